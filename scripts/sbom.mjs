#!/usr/bin/env node
// @ts-check
/** Prints the software bill of materials of what is built now: CycloneDX 1.6 as JSON, without a time or a random number. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { bundleProgram, packagesIn } from './bundle.mjs';
import { components } from './third-party.mjs';

const root = path.resolve(import.meta.dirname, '..');

/** @param {import('./third-party.mjs').Component} part */
function toComponent({ name, version, licence, purl }) {
  const component = new Models.Component(Enums.ComponentType.Library, name, { version, purl, bomRef: purl });
  component.licenses.add(new Models.LicenseExpression(licence));
  return component;
}

const { name, version, license } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const program = new Models.Component(Enums.ComponentType.Application, name, {
  version,
  purl: `pkg:npm/${name}@${version}`,
  bomRef: `pkg:npm/${name}@${version}`,
});
program.licenses.add(new Models.LicenseExpression(license));
const bom = new Models.Bom();
bom.metadata.component = program;
for (const part of components(packagesIn(await bundleProgram()))) {
  const component = toComponent(part);
  bom.components.add(component);
  program.dependencies.add(component.bomRef);
}
const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
process.stdout.write(`${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`);
