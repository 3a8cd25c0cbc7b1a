/** A receiver of OTLP/HTTP on loopback, which decodes by the official schema (test/otlp-proto, opentelemetry-proto v1.9.0). */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

const PROTO = path.resolve(import.meta.dirname, '../../../test/otlp-proto');
const SERVICE = 'opentelemetry/proto/collector/metrics/v1/metrics_service.proto';

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => path.join(PROTO, target);
root.loadSync(SERVICE);
const REQUEST = root.lookupType('opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest');
const RESPONSE = root.lookupType('opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse');

export interface KeyValue {
  key: string;
  value: { stringValue?: string };
}

/** 64-bit integers are strings. */
export interface Point {
  attributes: KeyValue[];
  startTimeUnixNano: string;
  timeUnixNano: string;
  asInt?: string;
  asDouble?: number;
}

export interface HistogramPoint extends Point {
  count: string;
  sum: number;
  min?: number;
  max?: number;
  scale: number;
  zeroCount: string;
  positive: { offset: number; bucketCounts: string[] };
  negative: { offset: number; bucketCounts: string[] };
}

interface Aggregate<P> {
  dataPoints: P[];
  aggregationTemporality: string;
  isMonotonic?: boolean;
}

export interface Metric {
  name: string;
  unit: string;
  description: string;
  gauge?: Aggregate<Point>;
  sum?: Aggregate<Point>;
  exponentialHistogram?: Aggregate<HistogramPoint>;
}

export interface ExportRequest {
  resourceMetrics: {
    resource: { attributes: KeyValue[] };
    scopeMetrics: { scope: { name: string; version: string }; metrics: Metric[] }[];
  }[];
}

/** What becomes of a request; the default is to take it. */
export type Behaviour = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export interface Received {
  request: ExportRequest;
  url: string;
  headers: http.IncomingHttpHeaders;
  bytes: number;
}

export function partialSuccess(rejectedDataPoints: number, errorMessage: string): Uint8Array {
  return RESPONSE.encode(
    RESPONSE.fromObject({ partialSuccess: { rejectedDataPoints, errorMessage } }),
  ).finish();
}

export class OtlpReceiver {
  /** All that came whole, whatever was answered. */
  readonly received: Received[] = [];
  /** What was taken. */
  readonly taken: ExportRequest[] = [];
  /** Of the next requests, in this order. */
  readonly behaviours: Behaviour[] = [];

  private constructor(readonly server: http.Server | https.Server) {}

  static async open(port = 0, tls?: { key: string; cert: string }): Promise<OtlpReceiver> {
    const server = tls ? https.createServer(tls) : http.createServer();
    const receiver = new OtlpReceiver(server);
    server.on('request', (request, response) => {
      void receiver.#receive(request, response);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `${this.server instanceof https.Server ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  /** Metrics of what was taken, request by request. */
  get metrics(): Metric[][] {
    return this.taken.map(metricsOf);
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const decoded = decode(request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes);
    const { url = '', headers } = request;
    this.received.push({ request: decoded, url, headers, bytes: bytes.length });
    const behave = this.behaviours.shift();
    if (behave) {
      behave(request, response);
      return;
    }
    this.taken.push(decoded);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' });
    response.end(RESPONSE.encode(RESPONSE.fromObject({})).finish());
  }
}

function decode(bytes: Uint8Array): ExportRequest {
  const options = { longs: String, enums: String, defaults: true, oneofs: false } as const;
  return REQUEST.toObject(REQUEST.decode(bytes), options) as ExportRequest;
}

export function metricsOf({ resourceMetrics }: ExportRequest): Metric[] {
  return resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
}

export function attributesOf(attributes: readonly KeyValue[]): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? '']));
}

/** A point's number. */
export const valueOf = ({ asInt, asDouble }: Point): number =>
  asInt !== undefined && asInt !== '0' ? Number(asInt) : (asDouble ?? 0);
