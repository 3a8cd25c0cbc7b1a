#!/usr/bin/env node
// @ts-check
/**
 * Writes src/events/NAME.ts from the BTF of dist/bpf/NAME.bpf.o: decoders of the structs that the program exports as
 * `X_layout`, names of its enums, and encoders of its `const volatile` globals. Nothing mirrors a layout by hand.
 * Types that bpf/include/ declares go into src/events/shared.ts, whichever programs use them.
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
 * @typedef {{type: () => string, size: number, read: (offset: string) => string,
 *   write: (offset: string, value: string) => string}} Form
 */

const root = path.resolve(import.meta.dirname, '..');
const objects = path.join(root, 'dist/bpf');
const events = path.join(root, 'src/events');
const headers = path.join(root, 'bpf/include');

/** @param {string} name */
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
/** @param {string} name */
const pascal = (name) => camel(`_${name}`);

/** One file of src/events/ in the making. */
class Module {
  /** @param {string} name @param {string} origin */
  constructor(name, origin) {
    this.name = name;
    this.origin = origin;
    /** Code of each declaration, in order of first use. @type {Map<string, string>} */
    this.declarations = new Map();
    /** What it imports from each other module. @type {Map<string, Set<string>>} */
    this.imports = new Map();
  }

  /** @param {string} from @param {string} name */
  import(from, name) {
    this.imports.set(from, (this.imports.get(from) ?? new Set()).add(name));
  }

  /** @returns {(string | undefined)[]} */
  code() {
    return [...this.declarations.values()];
  }

  source() {
    const imports = [...this.imports]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([from, names]) => `import { ${[...names].sort().join(', ')} } from './${from}.js';`);
    return `// Generated from ${this.origin} by scripts/generate-events.mjs. Do not edit.
      ${imports.join('\n')}

      ${this.code().filter(Boolean).join('\n\n')}`;
  }
}

/** The types of bpf/include/: the BTF does not say where a type comes from, so the headers are asked. */
class SharedModule extends Module {
  constructor() {
    super('shared', 'bpf/include/');
    this.names = readdirSync(headers)
      .filter((file) => file.endsWith('.h'))
      .sort()
      .map((file) => readFileSync(path.join(headers, file), 'utf8'))
      .flatMap((text) => [...text.matchAll(/\b(?:enum|struct)\s+(\w+)\s*\{/g)].map((match) => `${match[1]}`));
    /** @type {Map<string, {layout: string, program: string}>} */
    this.layouts = new Map();
  }

  /** @param {string} name */
  has(name) {
    return this.names.includes(name);
  }

  /**
   * A program may have a type of its own under a shared name, or see a header otherwise.
   * @param {string} name @param {string} layout @param {string} program
   */
  agree(name, layout, program) {
    const first = this.layouts.get(name) ?? { layout, program };
    this.layouts.set(name, first);
    if (first.layout !== layout)
      throw new Error(
        `${name} of bpf/include/ has one layout in ${first.program}.bpf.o and another in ${program}.bpf.o`,
      );
  }

  /** In the order of the headers, so that another program moves nothing. @override */
  code() {
    return this.names
      .flatMap((name) => [name, `read ${name}`, `write ${name}`])
      .map((key) => this.declarations.get(key));
  }
}

/** Generates what one program needs: its own module, and its part of the shared one. */
class Generator {
  /** @param {string} name @param {BtfType[]} types @param {SharedModule} shared */
  constructor(name, types, shared) {
    /** @type {Map<number, BtfType>} */
    this.types = new Map(types.map((type) => [type.id, type]));
    this.own = new Module(name, `bpf/${name}.bpf.c`);
    this.shared = shared;
    /** Where the code that is being made will stand. @type {Module} */
    this.current = this.own;
    /** @type {Map<string, {reads: (() => string)[], writes: (() => string)[]}>} */
    this.structs = new Map();
  }

  /** Where a struct or an enum and its functions belong. @param {string} name @returns {Module} */
  home(name) {
    return this.shared.has(name) ? this.shared : this.own;
  }

  /** @template T @param {string} name @param {() => T} make */
  at(name, make) {
    const outer = this.current;
    this.current = this.home(name);
    const made = make();
    this.current = outer;
    return made;
  }

  /** @param {string} name @param {string} key @param {() => string} make */
  declare(name, key, make) {
    this.home(name).declarations.set(key, this.at(name, make));
  }

  /** An identifier that `name` declares. @param {string} name @param {string} identifier @param {string} prefix */
  refer(name, identifier, prefix = '') {
    const home = this.home(name);
    if (home !== this.current) this.current.import(home.name, prefix + identifier);
    return identifier;
  }

  /** @param {string} name */
  referType(name) {
    return this.refer(name, pascal(name), 'type ');
  }

  /** All that decides the bytes of a type. @param {number} id @returns {object} */
  describe(id) {
    const { kind, name, size, encoding, nr_elems, values, members, type_id } = this.unqualified(id);
    const behind = ['TYPEDEF', 'ARRAY'].includes(kind) ? this.describe(type_id) : undefined;
    const parts = members?.map((member) => [member.name, member.bits_offset, this.describe(member.type_id)]);
    return { kind, name, size, encoding, nr_elems, values, behind, parts };
  }

  /** @param {BtfType} type */
  checkShared({ id, name }) {
    if (this.shared.has(name)) this.shared.agree(name, JSON.stringify(this.describe(id)), this.own.name);
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

  /** @param {string} primitive */
  use(primitive) {
    this.current.import('primitives', primitive);
    return primitive;
  }

  /** How a field of this type looks in TypeScript. @param {number} id @returns {Form} */
  form(id) {
    const type = this.unqualified(id);
    if (type.kind === 'TYPEDEF') {
      if (type.name === 'ip_t')
        return {
          type: () => 'string',
          size: 16,
          read: (at) => `${this.use('readIp')}(view, ${at})`,
          write: (at, value) => `${this.use('writeIp')}(view, ${at}, ${value})`,
        };
      if (type.name === 'comm_t')
        return {
          type: () => 'string',
          size: 16,
          read: (at) => `${this.use('readComm')}(view, ${at})`,
          write: (at, value) => `${this.use('writeText')}(view, ${at}, 16, ${value})`,
        };
      if (type.name === 'flag_t') return this.booleanForm();
      if (type.name === 'socket_t')
        return {
          type: () => 'number',
          size: 8,
          read: (at) => `${this.use('readSocket')}(view, ${at})`,
          write: (at, value) => `${this.use('writeSocket')}(view, ${at}, ${value})`,
        };
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
      type: () => 'boolean',
      size: 1,
      read: (at) => `view.getUint8(${at}) !== 0`,
      write: (at, value) => `view.setUint8(${at}, ${value} ? 1 : 0)`,
    };
  }

  /** @param {BtfType} type @returns {Form} */
  integerForm(type) {
    if (type.size === 8)
      return {
        type: () => 'number',
        size: 8,
        read: (at) => `${this.use('readU64')}(view, ${at})`,
        write: (at, value) => `${this.use('writeU64')}(view, ${at}, ${value})`,
      };
    const signed = type.encoding === 'SIGNED';
    const accessor = `${signed ? 'Int' : 'Uint'}${type.size * 8}`;
    const order = type.size > 1 ? ', true' : '';
    return {
      type: () => 'number',
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
    this.checkShared(type);
    this.declare(
      type.name,
      type.name,
      () => `/** enum ${type.name}, by its number. */
       export const ${list} = ${JSON.stringify(names)} as const;
       export type ${pascal(type.name)} = (typeof ${list})[number];`,
    );
    return {
      type: () => this.referType(type.name),
      size: 4,
      read: (at) => `${this.refer(type.name, list)}[view.getUint32(${at}, true)]!`,
      write: (at, value) => `view.setUint32(${at}, ${this.refer(type.name, list)}.indexOf(${value}), true)`,
    };
  }

  /** @param {BtfType} type @returns {Form} */
  structForm(type) {
    this.checkShared(type);
    this.declare(
      type.name,
      type.name,
      () => `/** struct ${type.name}. */
      export interface ${pascal(type.name)} { ${this.fields(type).join('\n')} }
      /** Bytes of a struct ${type.name}. */
      export const ${type.name.toUpperCase()}_SIZE = ${type.size};`,
    );
    return {
      type: () => this.referType(type.name),
      size: type.size,
      read: (at) => this.reader(type.name, at),
      write: (at, value) => this.writer(type.name, at, value),
    };
  }

  /** The members of a struct, with those of structs that it embeds without a name. @param {BtfType} type @returns {BtfType['members']} */
  members(type) {
    return type.members.flatMap((member) => {
      const embedded = this.resolved(member.type_id);
      if (member.name !== '(anon)' || embedded.kind !== 'STRUCT') return [member];
      return this.members(embedded).map((inner) => ({
        ...inner,
        bits_offset: member.bits_offset + inner.bits_offset,
      }));
    });
  }

  /** Fields of the interface; how each is read and written is kept for `reader` and `writer`. @param {BtfType} type */
  fields(type) {
    const all = this.members(type);
    const lengths = new Set(
      all.filter((member) => all.some((list) => member.name === `${list.name}_count`)).map((m) => m.name),
    );
    const members = all.filter((member) => !lengths.has(member.name));
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
        fields.push(`${key}: ${form.type()};`);
        reads.push(() => `${key}: ${form.read(at)},`);
        writes.push(() => `${form.write(at, `value.${key}`)};`);
        continue;
      }
      const element = this.form(resolved.type_id);
      const limit = resolved.nr_elems;
      const count = all.find((other) => other.name === `${member.name}_count`);
      const length = count ? `view.getUint32(offset + ${count.bits_offset / 8}, true)` : String(limit);
      const bound = count ? `At most ${limit}` : `Exactly ${limit}`;
      fields.push(`/** ${bound}. */ ${key}: readonly ${element.type()}[];`);
      const itemAt = `${at} + index * ${element.size}`;
      reads.push(() => `${key}: Array.from({ length: ${length} }, (_, index) => ${element.read(itemAt)}),`);
      writes.push(
        () => `${this.use('checkLength')}('${key}', value.${key}, ${limit});
          value.${key}.forEach((item, index) => { ${element.write(itemAt, 'item')}; });
          ${count ? `view.setUint32(offset + ${count.bits_offset / 8}, value.${key}.length, true);` : ''}`,
      );
    }
    this.structs.set(type.name, { reads, writes });
    return fields;
  }

  /** @param {string} name @param {string} at */
  reader(name, at) {
    const reads = this.structs.get(name)?.reads;
    const identifier = `decode${pascal(name)}`;
    this.declare(
      name,
      `read ${name}`,
      () => `export function ${identifier}(view: DataView, offset: number): ${pascal(name)} {
      return { ${reads?.map((read) => read()).join('\n')} };
    }`,
    );
    return `${this.refer(name, identifier)}(view, ${at})`;
  }

  /** @param {string} name @param {string} at @param {string} value */
  writer(name, at, value) {
    const writes = this.structs.get(name)?.writes;
    const identifier = `write${pascal(name)}`;
    const visible = this.shared.has(name) ? 'export ' : '';
    this.declare(
      name,
      `write ${name}`,
      () => `${visible}function ${identifier}(view: DataView, offset: number, value: ${pascal(name)}): void {
      ${writes?.map((write) => write()).join('\n')}
    }`,
    );
    return `${this.refer(name, identifier)}(view, ${at}, ${value})`;
  }

  /** What NAME_layout points to: an enum's names, or a struct and its decoder. @param {BtfType} variable */
  layout(variable) {
    const target = this.unqualified(variable.type_id).type_id;
    this.at(this.resolved(target).name, () => this.form(target).read('0'));
  }

  /** The setter of every other read-only global. @param {BtfType[]} variables */
  globals(variables) {
    const fields = [],
      encoders = [];
    for (const variable of variables) {
      const form = this.form(variable.type_id);
      const key = camel(variable.name);
      fields.push(`${key}: ${form.type()};`);
      encoders.push(
        `['${variable.name}', ${this.use('encode')}(${form.size}, (view) => { ${form.write('0', `globals.${key}`)}; })],`,
      );
    }
    this.own.declarations.set(
      'globals',
      `/** The \`const volatile\` globals, to set before the load. */
      export interface Globals { ${fields.join('\n')} }
      /** Name and bytes of each global. @throws {RangeError} if a list is too long. */
      export function encodeGlobals(globals: Globals): [name: string, value: Uint8Array][] {
        return [${encoders.join('\n')}];
      }`,
    );
  }

  generate() {
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
    return this.own;
  }
}

/** @param {string} file @returns {BtfType[]} */
function btfTypes(file) {
  const btf = execFileSync('bpftool', ['btf', 'dump', '-j', 'file', path.join(objects, file)], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
  });
  return JSON.parse(btf).types;
}

const shared = new SharedModule();
const programs = readdirSync(objects)
  .filter((file) => file.endsWith('.bpf.o'))
  .map((file) => new Generator(path.basename(file, '.bpf.o'), btfTypes(file), shared).generate());
const check = process.argv.includes('--check');
for (const module of [shared, ...programs]) {
  const target = path.join(events, `${module.name}.ts`);
  const options = await prettier.resolveConfig(target);
  const source = await prettier.format(module.source(), { ...options, parser: 'typescript' });
  if (existsSync(target) && readFileSync(target, 'utf8') === source) continue;
  if (check) {
    process.exitCode = 1;
    console.error(
      `${path.relative(root, target)} is not what ${module.origin} generates: run npm run generate`,
    );
  } else writeFileSync(target, source);
}
