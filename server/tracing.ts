/** Exports traces to an OpenTelemetry collector, with OTLP over HTTP. Loaded only if the settings have one. */
import { hostname } from 'node:os'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type SpanContext } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Tracing } from '../common/tracing.ts'

interface TracingOptions {
  /** Url of the collector, with its path: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string
  /** Ratio of the traces that begin here, 0 to 1. What begins elsewhere says itself whether it is recorded. */
  readonly ratio: number
  readonly version: string
}

export interface ExportedTracing extends Tracing {
  /** Sends what is left, for so long at most. Never rejects: a collector that is away loses traces, and nothing else. */
  close(): Promise<void>
}

/** One request to the collector, and all that is left at the end, ms. */
const EXPORT_MS = 5_000
const CLOSE_MS = 1_000
/** Spans that wait for the collector; further ones are lost. */
const MOST_WAITING = 4_096

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER } as const

export function exportTraces({ url, ratio, version }: TracingOptions): ExportedTracing {
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'aedes-push',
      'service.version': version,
      'service.instance.id': `${hostname()}:${process.pid}`,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: MOST_WAITING })],
  })
  const tracer = provider.getTracer('aedes-push', version)
  return {
    begin(kind, name, parent, attributes) {
      const span = tracer.startSpan(name, { kind: KINDS[kind], attributes }, contextOf(parent))
      if (!span.isRecording()) return undefined
      return {
        traceparent: traceparentOf(span.spanContext()),
        end(more = {}, error) {
          span.setAttributes(more)
          if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error })
          span.end()
        },
      }
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref())
      await Promise.race([provider.shutdown().catch(() => undefined), late])
    },
  }
}

/** A traceparent that has been checked. */
function contextOf(parent: string | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = ''] = parent.split('-')
  const remote: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return trace.setSpanContext(ROOT_CONTEXT, remote)
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}
