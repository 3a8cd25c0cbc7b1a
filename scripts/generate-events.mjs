#!/usr/bin/env node
// @ts-check
/**
 * Writes src/events/NAME.ts from the BTF of dist/bpf/NAME.bpf.o: decoders of the structs that the program exports as
 * `X_layout`, names of its enums, and encoders of its `const volatile` globals. Nothing mirrors a layout by hand.
 *
 * generate-events.mjs [--check]: with --check it writes nothing and fails if a committed file differs.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import prettier from 'prettier';

/**
 * @typedef {{id: number, kind: string, name: string, size: number, type_id: number, nr_elems: number, linkage: string, encoding: string,
 *   members: {name: string, type_id: number, bits_offset: number}[],
 *   values: {name: string, val: number}[], vars: {type_id: number, offset: number, size: number}[]}} BtfType
 * @typedef {{type: string, size: number, read: (offset: string) => string,
 *   write: (offset: string, value: string) => string}} Form
 */

const root = path.resolve(import.meta.dirname, '..');
const objects = path.join(root, 'dist/bpf');
const events = path.join(root, 'src/events');

/** @param {string} name */
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
/** @param {string} name */
const pascal = (name) => camel(`_${name}`);

class Generator {
  /** @param {BtfType[]} types */
  constructor(types) {
    /** @type {Map<number, BtfType>} */
    this.types = new Map(types.map((type) => [type.id, type]));
    /** Code of each named type, in order of first use. @type {Map<string, string>} */
    this.declarations = new Map();
    this.primitives = new Set();
    /** @type {Map<string, {reads: (() => string)[], writes: (() => string)[]}>} */
    this.structs = new Map();
  }

  /** @param {number} id @returns {BtfType} */
  type(id) {
    const type = this.types.get(id);
    if (!type) throw new Error(`BTF type ${id} is missing`);
    return type;
  }

  /** The type behind const and volatile. @param {number} id */
  unqualified(id) {
    let type = this.type(id);
    while (['CONST', 'VOLATILE'].includes(type.kind)) type = this.type(type.type_id);
    return type;
  }

  /** The type behind qualifiers and typedefs. @param {number} id */
  resolved(id) {
    let type = this.unqualified(id);
    while (type.kind === 'TYPEDEF') type = this.unqualified(type.type_id);
    return type;
  }

  /** @param {string} name */
  use(name) {
    this.primitives.add(name);
    return name;
  }

  /** How a field of this type looks in TypeScript. @param {number} id @returns {Form} */
  form(id) {
    const type = this.unqualified(id);
    if (type.kind === 'TYPEDEF') {
      if (type.name === 'ip_t')
        return {
          type: 'string',
          size: 16,
          read: (at) => `${this.use('readIp')}(view, ${at})`,
          write: (at, value) => `${this.use('writeIp')}(view, ${at}, ${value})`,
        };
      if (type.name === 'comm_t')
        return {
          type: 'string',
          size: 16,
          read: (at) => `${this.use('readText')}(view, ${at}, 16)`,
          write: (at, value) => `${this.use('writeText')}(view, ${at}, 16, ${value})`,
        };
      if (type.name === 'flag_t') return this.booleanForm();
      return this.form(type.type_id);
    }
    if (type.kind === 'INT') return type.name === '_Bool' ? this.booleanForm() : this.integerForm(type);
    if (type.kind === 'ENUM') return this.enumForm(type);
    if (type.kind === 'STRUCT') return this.structForm(type);
    throw new Error(`no TypeScript form for ${type.kind} ${type.name}`);
  }

  /** @returns {Form} */
  booleanForm() {
    return {
      type: 'boolean',
      size: 1,
      read: (at) => `view.getUint8(${at}) !== 0`,
      write: (at, value) => `view.setUint8(${at}, ${value} ? 1 : 0)`,
    };
  }

  /** @param {BtfType} type @returns {Form} */
  integerForm(type) {
    if (type.size === 8)
      return {
        type: 'number',
        size: 8,
        read: (at) => `${this.use('readU64')}(view, ${at})`,
        write: (at, value) => `${this.use('writeU64')}(view, ${at}, ${value})`,
      };
    const signed = type.encoding === 'SIGNED';
    const accessor = `${signed ? 'Int' : 'Uint'}${type.size * 8}`;
    const order = type.size > 1 ? ', true' : '';
    return {
      type: 'number',
      size: type.size,
      read: (at) => `view.get${accessor}(${at}${order})`,
      write: (at, value) => `view.set${accessor}(${at}, ${value}${order})`,
    };
  }

  /** OUTCOME_NO_PORT of enum outcome becomes 'no-port' of OUTCOMES. @param {BtfType} type @returns {Form} */
  enumForm(type) {
    const list = `${type.name.toUpperCase()}S`;
    const names = type.values.map((value, index) => {
      if (value.val !== index) throw new Error(`enum ${type.name} is not 0, 1, 2 …`);
      return value.name
        .slice(type.name.length + 1)
        .toLowerCase()
        .replaceAll('_', '-');
    });
    this.declarations.set(
      type.name,
      `/** enum ${type.name}, by its number. */
       export const ${list} = ${JSON.stringify(names)} as const;
       export type ${pascal(type.name)} = (typeof ${list})[number];`,
    );
    return {
      type: pascal(type.name),
      size: 4,
      read: (at) => `${list}[view.getUint32(${at}, true)]!`,
      write: (at, value) => `view.setUint32(${at}, ${list}.indexOf(${value}), true)`,
    };
  }

  /** @param {BtfType} type @returns {Form} */
  structForm(type) {
    const name = pascal(type.name);
    const lengths = new Set(
      type.members
        .filter((member) => type.members.some((list) => member.name === `${list.name}_count`))
        .map((m) => m.name),
    );
    const members = type.members.filter((member) => !lengths.has(member.name));
    /** @type {string[]} */ const fields = [];
    /** @type {(() => string)[]} */ const reads = [];
    /** @type {(() => string)[]} */ const writes = [];
    for (const member of members) {
      const offset = member.bits_offset / 8;
      const at = `offset + ${offset}`;
      const key = camel(member.name);
      const resolved = this.resolved(member.type_id);
      const named = this.unqualified(member.type_id).kind === 'TYPEDEF';
      if (resolved.kind !== 'ARRAY' || named) {
        const form = this.form(member.type_id);
        fields.push(`${key}: ${form.type};`);
        reads.push(() => `${key}: ${form.read(at)},`);
        writes.push(() => `${form.write(at, `value.${key}`)};`);
        continue;
      }
      const element = this.form(resolved.type_id);
      const limit = resolved.nr_elems;
      const count = type.members.find((other) => other.name === `${member.name}_count`);
      const length = count ? `view.getUint32(offset + ${count.bits_offset / 8}, true)` : String(limit);
      const bound = count ? `At most ${limit}` : `Exactly ${limit}`;
      fields.push(`/** ${bound}. */ ${key}: readonly ${element.type}[];`);
      const itemAt = `${at} + index * ${element.size}`;
      reads.push(() => `${key}: Array.from({ length: ${length} }, (_, index) => ${element.read(itemAt)}),`);
      writes.push(
        () => `${this.use('checkLength')}('${key}', value.${key}, ${limit});
          value.${key}.forEach((item, index) => { ${element.write(itemAt, 'item')}; });
          ${count ? `view.setUint32(offset + ${count.bits_offset / 8}, value.${key}.length, true);` : ''}`,
      );
    }
    this.structs.set(type.name, { reads, writes });
    this.declarations.set(
      type.name,
      `/** struct ${type.name}. */
      export interface ${name} { ${fields.join('\n')} }
      /** Bytes of a struct ${type.name}. */
      export const ${type.name.toUpperCase()}_SIZE = ${type.size};`,
    );
    return {
      type: name,
      size: type.size,
      read: (at) => this.reader(type.name, at),
      write: (at, value) => this.writer(type.name, at, value),
    };
  }

  /** @param {string} name @param {string} at */
  reader(name, at) {
    const code = this.structs.get(name);
    this.declarations.set(
      `read ${name}`,
      `export function decode${pascal(name)}(view: DataView, offset: number): ${pascal(name)} {
      return { ${code?.reads.map((read) => read()).join('\n')} };
    }`,
    );
    return `decode${pascal(name)}(view, ${at})`;
  }

  /** @param {string} name @param {string} at @param {string} value */
  writer(name, at, value) {
    const code = this.structs.get(name);
    this.declarations.set(
      `write ${name}`,
      `function write${pascal(name)}(view: DataView, offset: number, value: ${pascal(name)}): void {
      ${code?.writes.map((write) => write()).join('\n')}
    }`,
    );
    return `write${pascal(name)}(view, ${at}, ${value})`;
  }

  /** What NAME_layout points to: an enum's names, or a struct and its decoder. @param {BtfType} variable */
  layout(variable) {
    const pointer = this.unqualified(variable.type_id);
    this.form(pointer.type_id).read('0');
  }

  /** The setter of every other read-only global. @param {BtfType[]} variables */
  globals(variables) {
    const fields = [],
      encoders = [];
    for (const variable of variables) {
      const form = this.form(variable.type_id);
      const key = camel(variable.name);
      fields.push(`${key}: ${form.type};`);
      encoders.push(
        `['${variable.name}', encode(${form.size}, (view) => { ${form.write('0', `globals.${key}`)}; })],`,
      );
    }
    this.declarations.set(
      'globals',
      `/** The \`const volatile\` globals, to set before the load. */
      export interface Globals { ${fields.join('\n')} }
      /** Name and bytes of each global. @throws {RangeError} if a list is too long. */
      export function encodeGlobals(globals: Globals): [name: string, value: Uint8Array][] {
        return [${encoders.join('\n')}];
      }
      function encode(size: number, write: (view: DataView) => void): Uint8Array {
        const bytes = new Uint8Array(size);
        write(new DataView(bytes.buffer));
        return bytes;
      }`,
    );
  }

  /** @param {string} name */
  source(name) {
    const section = [...this.types.values()].find(
      (type) => type.kind === 'DATASEC' && type.name === '.rodata',
    );
    const variables = (section?.vars ?? []).map((entry) => this.type(entry.type_id));
    variables
      .filter((variable) => variable.name.endsWith('_layout'))
      .forEach((variable) => this.layout(variable));
    this.globals(
      variables.filter((variable) => !variable.name.endsWith('_layout') && variable.linkage === 'global'),
    );
    const imports = [...this.primitives].sort().join(', ');
    return `// Generated from bpf/${name}.bpf.c by scripts/generate-events.mjs. Do not edit.
      import { ${imports} } from './primitives.js';

      ${[...this.declarations.values()].join('\n\n')}`;
  }
}

const check = process.argv.includes('--check');
let differs = false;
for (const file of readdirSync(objects).filter((name) => name.endsWith('.bpf.o'))) {
  const name = path.basename(file, '.bpf.o');
  const btf = execFileSync('bpftool', ['btf', 'dump', '-j', 'file', path.join(objects, file)], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
  });
  const target = path.join(events, `${name}.ts`);
  const options = await prettier.resolveConfig(target);
  const source = await prettier.format(new Generator(JSON.parse(btf).types).source(name), {
    ...options,
    parser: 'typescript',
  });
  if (existsSync(target) && readFileSync(target, 'utf8') === source) continue;
  if (check) {
    differs = true;
    console.error(
      `${path.relative(root, target)} is not what bpf/${name}.bpf.c generates: run npm run generate`,
    );
  } else writeFileSync(target, source);
}
if (differs) process.exitCode = 1;
