/** How colours look, with and without colour blindness. */

export type Rgb = readonly [red: number, green: number, blue: number];
type Matrix = readonly [Rgb, Rgb, Rgb];

/** Complete colour blindness, on linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based Model …", 2009, severity 1.0. */
export const EYES: Readonly<Record<string, Matrix>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const CUBE = [0, 95, 135, 175, 215, 255] as const;

/** A colour of the cube of 256-colour terminals (xterm). */
export function ansi256(color: number): Rgb {
  const at = (size: number): number => CUBE[Math.floor((color - 16) / size) % 6] ?? NaN;
  return [at(36), at(6), at(1)];
}

export function hex(color: string): Rgb {
  const at = (from: number): number => Number.parseInt(color.slice(from, from + 2), 16);
  return [at(1), at(3), at(5)];
}

/** IEC 61966-2-1. */
function linear(value: number): number {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

const product = (matrix: Matrix, [x, y, z]: Rgb): Rgb => {
  const [first, second, third] = matrix.map(([a, b, c]) => a * x + b * y + c * z);
  return [first ?? NaN, second ?? NaN, third ?? NaN];
};

/** Linear sRGB to XYZ, each divided by that of white (D65). */
const XYZ: Matrix = [
  [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339 / 1.08883, 0.119192 / 1.08883, 0.9503041 / 1.08883],
];

/** CIELAB of a colour as these eyes see it: lightness from 0 to 100, and two axes of hue. */
export function lab(rgb: Rgb, eye: Matrix): Rgb {
  const [red, green, blue] = rgb;
  const seen = product(eye, [linear(red), linear(green), linear(blue)]).map((value) =>
    Math.min(1, Math.max(0, value)),
  ) as unknown as Rgb;
  const [x = 0, y = 0, z = 0] = product(XYZ, seen).map((value) =>
    value > 216 / 24389 ? Math.cbrt(value) : ((24389 / 27) * value + 16) / 116,
  );
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** CIE 1976 difference: 2 is just noticeable, above 20 nobody takes one for the other. */
export function difference(a: Rgb, b: Rgb, eye: Matrix): number {
  const [first, second] = [lab(a, eye), lab(b, eye)];
  return Math.hypot(first[0] - second[0], first[1] - second[1], first[2] - second[2]);
}
