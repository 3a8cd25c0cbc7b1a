import type { Column, TextContext } from '../model/column.js';
import { transmitErrorName } from '../model/errno.js';
import type { Flow } from '../model/flow.js';
import { isFailed, stallNs, type Retransmit } from '../model/retransmit.js';
import { congestionStateName, stateName } from '../model/tcp-state.js';
import { formatDuration } from '../model/units.js';
import {
  endpointColumns,
  ownerColumns,
  placeColumns,
  workloadColumns,
  type EndpointNames,
} from './flow-columns.js';
import { timeColumn } from './time.js';

/** How the column SEQ counts: from the connection's start, or as on the wire. */
export type SequenceFormat = 'relative' | 'absolute';

type Value = (segment: Retransmit) => number | undefined;

/** TCP_INFINITE_SSTHRESH: no loss yet. */
const INFINITE_SSTHRESH = 0x7fffffff;
/** No sample yet. */
const NO_RTT = 0xffffffff;

const unlessZero = (value: number): number | undefined => (value === 0 ? undefined : value);
/** A SYN-ACK has no socket yet that would know. */
const ofSocket =
  (of: (segment: Retransmit) => number): Value =>
  (segment) =>
    segment.cwnd === 0 ? undefined : of(segment);

/** Of the sender, which a SYN-ACK has none. */
function caState({ cwnd, caState }: Retransmit): string | null {
  return cwnd === 0 ? null : congestionStateName(caState);
}

function numberColumn(
  column: Pick<Column<Retransmit>, 'key' | 'header' | 'description' | 'width' | 'dropFirst' | 'hidden'>,
  of: Value,
): Column<Retransmit> {
  return {
    ...column,
    align: 'right',
    text: (segment) => String(of(segment) ?? '-'),
    value: (segment) => of(segment) ?? null,
  };
}

/** A duration, which the kernel has in whole µs. */
function durationColumn(
  column: Pick<Column<Retransmit>, 'key' | 'header' | 'description' | 'dropFirst' | 'hidden' | 'tone'>,
  ofUs: Value,
): Column<Retransmit> {
  return {
    ...column,
    align: 'right',
    width: 8,
    minWidth: 7,
    text: (segment) => {
      const us = ofUs(segment);
      return us === undefined ? '-' : formatDuration(us * 1000);
    },
    value: (segment) => ofUs(segment) ?? null,
  };
}

/** Modulo 2^32, as sequence numbers are. */
function relativeSequence({ startKnown, sequence, initialSequence }: Retransmit): number | undefined {
  return startKnown ? (sequence - initialSequence) >>> 0 : undefined;
}

function sequenceColumns(format: SequenceFormat): Column<Retransmit>[] {
  const absolute: Value = ({ sequence }) => sequence;
  return [
    numberColumn(
      {
        key: 'seq',
        header: 'SEQ',
        description:
          "First sequence number, counted from the connection's SYN as tcpdump does; - if its start is not known. " +
          'With --absolute-seq as it is on the wire.',
        width: 10,
        dropFirst: 5,
      },
      format === 'relative' ? relativeSequence : absolute,
    ),
    numberColumn(
      {
        key: 'len',
        header: 'LEN',
        description: 'Bytes of data; 0 of a SYN or FIN alone.',
        width: 6,
        dropFirst: 6,
      },
      ({ length }) => length,
    ),
    numberColumn(
      {
        key: 'segs',
        header: 'SEGS',
        description: 'Segments that these bytes are on the wire, as RetransSegs counts them.',
        width: 4,
        dropFirst: 7,
      },
      ({ segments }) => segments,
    ),
    numberColumn(
      {
        key: 'try',
        header: 'TRY',
        description: 'How many times this was sent again, this time included, as far as it was seen.',
        width: 3,
      },
      ({ tries }) => tries,
    ),
  ];
}

/** On a small terminal STATE, which KIND nearly tells, leaves before these get too narrow for IPv4 and most names. */
const LEAST_WIDTHS: Readonly<Record<string, number>> = { comm: 9, remote: 21 };

function roomier(columns: readonly Column<Flow>[]): Column<Flow>[] {
  return columns.map((column) => {
    const minWidth = LEAST_WIDTHS[column.key];
    return minWidth === undefined ? column : { ...column, minWidth };
  });
}

/** TRY 1 may be chance; from here on the other end does not answer. */
const MANY_TRIES = 3;

/** Columns of `retrans`. TIME depends on `--time`, SEQ on `--absolute-seq`. */
export function retransmitColumns(
  format: TextContext['timeFormat'],
  sequence: SequenceFormat,
  names?: EndpointNames,
): Column<Retransmit>[] {
  return [
    timeColumn(format, 'When it was sent again.', ({ timeNs }) => timeNs),
    ...roomier(ownerColumns()),
    ...roomier(endpointColumns(names)),
    ...placeColumns(),
    {
      key: 'state',
      header: 'STATE',
      description: "State of the connection, by ss's names with an underscore.",
      align: 'left',
      width: 11,
      dropFirst: 1,
      text: ({ state }) => stateName(state),
      value: ({ state }) => stateName(state),
      decidedBy: ({ state }) => state,
    },
    {
      key: 'kind',
      header: 'KIND',
      description: 'Why it was sent again: syn, synack, fast, rto, loss or tlp.',
      align: 'left',
      width: 6,
      text: (segment) => (isFailed(segment) ? `${segment.kind}!` : segment.kind),
      value: ({ kind }) => kind,
      decidedBy: ({ kind }) => kind,
      tone: (segment) => (isFailed(segment) || segment.tries >= MANY_TRIES ? 'bad' : undefined),
    },
    {
      key: 'error',
      header: 'ERROR',
      description: 'Why it could not leave this host (KIND has a ! then); from Linux 6.17 on.',
      align: 'left',
      width: 13,
      hidden: true,
      text: ({ error }) => transmitErrorName(error) ?? '-',
      value: ({ error }) => transmitErrorName(error) ?? null,
      decidedBy: ({ error }) => error,
      tone: (segment) => (isFailed(segment) ? 'bad' : undefined),
    },
    ...sequenceColumns(sequence),
    ...timingColumns(),
    ...senderColumns(),
    ...workloadColumns(),
  ];
}

function timingColumns(): Column<Retransmit>[] {
  return [
    {
      ...durationColumn(
        {
          key: 'stall_us',
          header: 'STALL',
          description:
            'How long the flow had not moved forward when a timer sent again (rto, tlp, syn, synack): since data was last ' +
            'acknowledged or, after idleness, first sent; - where ACKs made it send.',
        },
        (segment) => {
          const ns = stallNs(segment);
          return ns === undefined ? undefined : ns / 1000;
        },
      ),
      tone: (segment) => ((stallNs(segment) ?? 0) >= 1e9 ? 'warn' : undefined),
    },
    durationColumn(
      {
        key: 'rto_us',
        header: 'RTO',
        description: 'Retransmission timeout in force; after an rto it doubles.',
        dropFirst: 2,
      },
      ({ rtoUs }) => rtoUs,
    ),
    durationColumn(
      {
        key: 'srtt_us',
        header: 'SRTT',
        description: 'Smoothed round-trip time; - before the first sample.',
        dropFirst: 3,
      },
      ({ srttUs }) => unlessZero(srttUs),
    ),
    durationColumn(
      {
        key: 'min_rtt_us',
        header: 'MIN RTT',
        description: 'Smallest round-trip time of the last minutes.',
        hidden: true,
      },
      ({ minRttUs }) => (minRttUs === NO_RTT ? undefined : unlessZero(minRttUs)),
    ),
  ];
}

/** The sender's view of its network. */
function senderColumns(): Column<Retransmit>[] {
  const hidden = (
    key: string,
    header: string,
    width: number,
    description: string,
    of: Value,
  ): Column<Retransmit> => numberColumn({ key, header, description, width, hidden: true }, of);
  return [
    numberColumn(
      {
        key: 'cwnd',
        header: 'CWND',
        description: 'Congestion window in segments; - of a SYN-ACK.',
        width: 4,
        dropFirst: 4,
      },
      ({ cwnd }) => unlessZero(cwnd),
    ),
    hidden(
      'ssthresh',
      'SSTHRESH',
      8,
      'Slow-start threshold in segments; - before the first loss.',
      ({ ssthresh }) => (ssthresh === INFINITE_SSTHRESH ? undefined : unlessZero(ssthresh)),
    ),
    hidden(
      'lost_out',
      'LOST',
      4,
      'Segments taken for lost.',
      ofSocket(({ lostOut }) => lostOut),
    ),
    hidden(
      'sacked_out',
      'SACKED',
      6,
      'Segments that SACKs report as arrived.',
      ofSocket(({ sackedOut }) => sackedOut),
    ),
    hidden(
      'retrans_out',
      'REOUT',
      5,
      'Segments sent again and not yet acknowledged.',
      ofSocket(({ retransOut }) => retransOut),
    ),
    hidden(
      'bytes_retrans',
      'REBYTES',
      8,
      'Bytes sent again since the connection began.',
      ofSocket(({ bytesRetrans }) => bytesRetrans),
    ),
    hidden(
      'segs_out',
      'SEGSOUT',
      8,
      'Segments sent since the connection began.',
      ofSocket(({ segsOut }) => segsOut),
    ),
    hidden(
      'mss',
      'MSS',
      5,
      'Largest segment, in bytes of data.',
      ofSocket(({ mss }) => mss),
    ),
    {
      key: 'ca_state',
      header: 'CA',
      description: 'Congestion state of the sender: open, disorder, cwr, recovery or loss.',
      align: 'left',
      width: 8,
      hidden: true,
      text: (segment) => caState(segment) ?? '-',
      value: caState,
      decidedBy: caState,
    },
  ];
}
