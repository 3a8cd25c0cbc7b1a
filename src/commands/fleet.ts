import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.js';
import { serverFlags, toAccess } from '../cli/fleet-access.js';
import { axesOf, parseLimits, questionFlags, toQuestion } from '../cli/fleet-flags.js';
import { costText, nothingFound, periodText, unknownLabels } from '../cli/fleet-report.js';
import { print } from '../cli/print.js';
import { parseWhole } from '../cli/values.js';
import { chooseColumns, chooseSorting, currentDisplay, viewFlags } from '../cli/view-flags.js';
import { fleetPairs, MATRIX_METRICS, matrixOf } from '../fleet/matrix.js';
import { patternOf } from '../fleet/pattern.js';
import { PrometheusClient } from '../fleet/prometheus.js';
import type { Question } from '../fleet/promql.js';
import { fleetRows, trendSteps } from '../fleet/rows.js';
import type { Column } from '../model/column.js';
import { fleetColumns, pairColumns } from '../view/fleet-columns.js';
import { heatmapText } from '../view/fleet-heatmap.js';
import { createCsvTableView, createJsonTableView } from '../view/machine-views.js';
import type { TableOptions } from '../view/table-rows.js';
import { createTableView } from '../view/table.js';

const { json, csv, columns, sort, top, plain } = viewFlags;
const CONTEXT = { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 } as const;
const ONLY_HEATMAP = ['metric', 'warn', 'crit', 'min-attempts'] as const;
const ONLY_TABLE = ['columns', 'sort', 'trend'] as const;

export default class Fleet extends BaseCommand {
  static override summary = 'The whole fleet, from Prometheus: tables and a heatmap.';
  static override description =
    'Asks a server that has the HTTP API of Prometheus (Thanos, Mimir, VictoriaMetrics too) for what the agents of all hosts have measured. ' +
    'The server adds up the histograms of all hosts before it takes a quantile. It traces nothing, and needs neither root nor Linux.';

  static override examples = [
    {
      description: 'From region to region',
      command: '<%= config.bin %> <%= command.id %> --prometheus http://127.0.0.1:9090',
    },
    {
      description: 'Which namespaces are slow inside',
      command:
        '<%= config.bin %> <%= command.id %> --prometheus http://127.0.0.1:9090 --by source_namespace --external no --sort p99',
    },
    {
      description: 'Where the network is at fault, if it is',
      command: '<%= config.bin %> <%= command.id %> --prometheus https://host/prometheus --heatmap',
    },
  ];

  static override flags = {
    ...serverFlags,
    ...questionFlags,
    heatmap: Flags.boolean({
      description: 'From where to where: sources down, destinations across, of the two labels of --by.',
      helpGroup: 'VIEW',
    }),
    metric: Flags.option({
      description: 'What the cells of --heatmap tell.',
      options: MATRIX_METRICS,
      helpGroup: 'VIEW',
    })(),
    warn: Flags.string({
      description: 'Cells below are green. Without it 4ms, or 1e-4 of drop-rate.',
      helpValue: 'LIMIT',
      helpGroup: 'VIEW',
    }),
    crit: Flags.string({
      description: 'Cells above are red. Without it 5ms, or 1e-3 of drop-rate.',
      helpValue: 'LIMIT',
      helpGroup: 'VIEW',
    }),
    'min-attempts': Flags.string({
      description: 'Cells with fewer attempts are white. Without it 1.',
      helpValue: 'N',
      helpGroup: 'VIEW',
    }),
    trend: Flags.boolean({ description: 'One more query: P99 over the range, as bars.', helpGroup: 'VIEW' }),
    json,
    csv,
    columns,
    sort,
    top,
    plain,
  };

  /** What the man page says beside the flags. */
  static comparison = {
    rows: fleetColumns([], trendSteps(3600)),
    groups: [...pairColumns('p99'), ...pairColumns('drop-rate').filter(({ key }) => key === 'drop_rate')],
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Fleet);
    refuseUseless(flags);
    const question = toQuestion(flags, Date.now());
    const client = new PrometheusClient(toAccess(flags));
    try {
      const text = await (flags.heatmap ? heatmap(client, question, flags) : table(client, question, flags));
      await print(text);
    } finally {
      client.close();
    }
    for (const warning of client.warnings) process.stderr.write(`warning of the server: ${warning}\n`);
    process.stderr.write(`${costText(client.cost)}\n`);
  }
}

/** What oclif gives. */
interface FleetFlagValues {
  heatmap: boolean;
  metric?: (typeof MATRIX_METRICS)[number] | undefined;
  warn?: string | undefined;
  crit?: string | undefined;
  'min-attempts'?: string | undefined;
  trend: boolean;
  json: boolean;
  csv: boolean;
  columns?: string[] | undefined;
  sort?: string | undefined;
  top?: string | undefined;
  plain: boolean;
}

/** A flag that would change nothing is a misunderstanding. */
function refuseUseless(flags: FleetFlagValues): void {
  const given = (flag: keyof FleetFlagValues): boolean => flags[flag] !== undefined && flags[flag] !== false;
  for (const flag of ONLY_HEATMAP)
    if (!flags.heatmap && given(flag)) throw new RangeError(`--${flag} needs --heatmap`);
  for (const flag of ONLY_TABLE)
    if (flags.heatmap && given(flag)) throw new RangeError(`--${flag} has no meaning for a heatmap`);
  if (flags.trend && (flags.json || flags.csv))
    throw new RangeError('--trend is for people; JSON and CSV have no bars');
}

function topOf({ top: text }: FleetFlagValues): { top?: number } {
  return text === undefined ? {} : { top: parseWhole('--top', text, 1, Number.MAX_SAFE_INTEGER) };
}

async function table(client: PrometheusClient, question: Question, flags: FleetFlagValues): Promise<string> {
  const trend = flags.trend ? trendSteps(question.rangeS) : undefined;
  const all = fleetColumns(question.by, trend);
  const machine = flags.json || flags.csv;
  const chosen = chooseColumns(all, { columns: flags.columns, wide: false }, machine);
  const order = { sorting: chooseSorting(all, flags.sort ?? 'attempts'), ...topOf(flags) };
  const rows = await fleetRows(client, question, trend);
  if (rows.length === 0) throw nothingFound(question);
  warnOfLabels(question.by, rows);
  return tableText(question, rows, chosen, flags, order);
}

async function heatmap(
  client: PrometheusClient,
  question: Question,
  flags: FleetFlagValues,
): Promise<string> {
  const axes = axesOf(question);
  const { metric = 'p99', 'min-attempts': attempts = '1' } = flags;
  const limits = parseLimits(metric, flags);
  const leastAttempts = parseWhole('--min-attempts', attempts, 1, Number.MAX_SAFE_INTEGER);
  const top = topOf(flags);
  const pairs = await fleetPairs(client, question, metric);
  if (!pairs.some((pair) => pair.attempts > 0)) throw nothingFound(question);
  warnOfLabels(
    axes,
    pairs.map(({ source, destination }) => ({ keys: [source, destination] })),
  );
  const matrix = matrixOf(pairs, { limits, leastAttempts, ...top });
  if (flags.json || flags.csv) return tableText(question, matrix.rows.flat(), pairColumns(metric), flags, {});
  const period = periodText(question);
  const display = currentDisplay(flags);
  return heatmapText(matrix, { metric, pattern: patternOf(matrix), limits, axes, period, display });
}

function warnOfLabels(by: readonly string[], rows: readonly { keys: readonly string[] }[]): void {
  const unknown = unknownLabels(
    by,
    rows.map(({ keys }) => keys),
  );
  for (const label of unknown) process.stderr.write(`warning: no series has the label ${label}\n`);
}

function tableText<Row>(
  { atS }: Question,
  rows: readonly Row[],
  shown: readonly Column<Row>[],
  flags: FleetFlagValues,
  more: Pick<TableOptions<Row>, 'sorting' | 'top'>,
): string {
  const display = { ...currentDisplay(flags), height: undefined };
  const options = { rows: () => rows, columns: shown, display, context: CONTEXT, once: true, ...more };
  const view = flags.json
    ? createJsonTableView(options)
    : flags.csv
      ? createCsvTableView(options)
      : createTableView(options);
  return view.begin() + (view.frame(atS * 1e9, 0) ?? '');
}
