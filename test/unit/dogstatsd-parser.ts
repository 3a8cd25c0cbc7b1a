/** The published grammar of DogStatsD (docs.datadoghq.com, "Datagram format", versions up to 1.1), read by nothing of ours. */
import assert from 'node:assert/strict';

export interface Sample {
  name: string;
  value: number;
  type: 'c' | 'd' | 'g';
  /** How many values it stands for, as the Agent of Datadog computes it. */
  weight: number;
  tags: Record<string, string>;
}

const LINE =
  /^(?<name>[A-Za-z][\w.]*):(?<values>-?\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)*)\|(?<type>[cdg])(?:\|@(?<rate>0\.\d+))?(?:\|#(?<tags>[^|#@\r\n]+))?$/;

export function parseDatagram(datagram: string): Sample[] {
  return datagram.split('\n').flatMap(parseLine);
}

function parseLine(line: string): Sample[] {
  const { name, values, type, rate, tags = '' } = LINE.exec(line)?.groups ?? {};
  assert.ok(name !== undefined && values !== undefined, `no line of DogStatsD: ${JSON.stringify(line)}`);
  const pairs = (tags === '' ? [] : tags.split(',')).map((tag): [string, string] => {
    const [, key = '', text = ''] = /^([^:]+):(.+)$/.exec(tag) ?? [];
    assert.notEqual(key, '', `no tag: ${tag}`);
    return [key, text];
  });
  assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, `a tag twice: ${line}`);
  return values.split(':').map((value) => ({
    name,
    value: Number(value),
    type: type as Sample['type'],
    weight: rate === undefined ? 1 : Math.trunc(1 / Number(rate)),
    tags: Object.fromEntries(pairs),
  }));
}

/** Of the samples of a distribution. */
export function weightOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { weight }) => sum + weight, 0);
}

/** Nearest rank, of weighted values. */
export function quantileOf(samples: readonly Sample[], q: number): number {
  const sorted = [...samples].sort((a, b) => a.value - b.value);
  const rank = Math.max(1, Math.ceil(q * weightOf(samples) - 1e-9));
  let seen = 0;
  return sorted.find(({ weight }) => (seen += weight) >= rank)!.value;
}
