/** Special functions behind the tests, to about 14 digits. Tails keep their relative precision however small they are. */

/** Coefficients of Lanczos' approximation for g = 7, 9 terms (as in GSL and Boost's documentation). */
const LANCZOS_G = 7;
const LANCZOS: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

const PRECISION = 1e-16;
const MOST_TERMS = 10_000;
/** Keeps the continued fractions away from a division by zero. */
const TINY = 1e-300;

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const base = shifted + LANCZOS_G + 0.5;
  const sum = LANCZOS.reduce(
    (total, coefficient, at) => total + (at === 0 ? 0 : coefficient / (shifted + at)),
  );
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(sum);
}

/** ln of the number of ways to choose `chosen` of `all`. */
export function logChoose(all: number, chosen: number): number {
  if (chosen === 0 || chosen === all) return 0;
  return logGamma(all + 1) - logGamma(chosen + 1) - logGamma(all - chosen + 1);
}

/** Evaluates b0 + a1/(b1 + a2/(b2 + …)) by Lentz's method; `term(n)` gives [an, bn]. */
function continuedFraction(first: number, term: (n: number) => readonly [number, number]): number {
  const safe = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let value = safe(first);
  let numerator = value;
  let denominator = 0;
  for (let n = 1; n <= MOST_TERMS; n++) {
    const [a, b] = term(n);
    denominator = 1 / safe(b + a * denominator);
    numerator = safe(b + a / numerator);
    const step = numerator * denominator;
    value *= step;
    if (Math.abs(step - 1) < PRECISION * 4) break;
  }
  return value;
}

/** The part of the normal distribution that is at least `z` away from 0, on both sides: erfc(|z| / √2). */
export function normalTwoSided(z: number): number {
  // erfc(√x) is the upper incomplete gamma function Q(1/2, x): a series near 0, a continued fraction beyond.
  const x = (z * z) / 2;
  if (x === 0) return 1;
  const scale = Math.exp(-x) * Math.sqrt(x / Math.PI);
  if (x < 1.5) {
    let term = 2;
    let sum = term;
    for (let n = 1; term > sum * PRECISION; n++) sum += term *= x / (n + 0.5);
    return 1 - scale * sum;
  }
  return scale / continuedFraction(x + 0.5, (n) => [-n * (n - 0.5), x + 2 * n + 0.5]);
}

/** Regularised incomplete beta function I_x(a, b) where its fraction converges fast: x < (a + 1) / (a + b + 2). */
function lowerBeta(x: number, a: number, b: number): number {
  const scale = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  const fraction = continuedFraction(1, (n) => {
    const m = Math.floor(n / 2);
    const odd = -((a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    return [n % 2 === 1 ? odd : even, 1];
  });
  return scale / (a * fraction);
}

/** The part of Student's t distribution that is at least `t` away from 0, on both sides. */
export function studentTwoSided(t: number, degreesOfFreedom: number): number {
  if (t === 0) return 1;
  const [a, b] = [degreesOfFreedom / 2, 0.5];
  const x = degreesOfFreedom / (degreesOfFreedom + t * t);
  if (x < (a + 1) / (a + b + 2)) return lowerBeta(x, a, b);
  return 1 - lowerBeta((t * t) / (degreesOfFreedom + t * t), b, a);
}

/** Two-sided 95 % point of the normal distribution. */
export const Z_95 = 1.959963984540054;
