/**
 * Traces from an HTTP request to the PUBACK of a device. A message carries its place in the trace as the user property
 * `traceparent` (W3C Trace Context, level 1), which survives other nodes and restarts.
 */

export interface TraceSpan {
  /** The traceparent for children of this span. */
  readonly traceparent: string
  /** Call once. `error`: a code of the catalogue. */
  end(attributes?: Readonly<Record<string, string | number>>, error?: string): void
}

export interface Tracing {
  /** `parent`: a traceparent, from outside for a span of kind `server`. Undefined: this trace is not recorded. */
  begin(
    kind: 'server' | 'consumer',
    name: string,
    parent: string | undefined,
    attributes: Readonly<Record<string, string | number>>,
  ): TraceSpan | undefined
}

const NAME = 'traceparent'
/** Version 00, trace id, parent id, flags. */
const FORM = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/
const VALUE_BYTES = 55
/** The bytes before the value: a user property (0x26), its name, and the length of the value. */
const HEAD = Buffer.from([0x26, 0, NAME.length, ...Buffer.from(NAME), 0, VALUE_BYTES])
const PROPERTY_BYTES = HEAD.byteLength + VALUE_BYTES

export function isTraceparent(text: string): boolean {
  return FORM.test(text)
}

/** The user property, on the wire (section 3.3.2.3.7 of MQTT 5). */
export function traceProperty(traceparent: string): Buffer {
  return Buffer.concat([HEAD, Buffer.from(traceparent, 'latin1')])
}

/** The traceparent in the properties of a message; undefined if there is none. */
export function traceparentIn(properties: Uint8Array | undefined): string | undefined {
  if (properties === undefined) return undefined
  const bytes = Buffer.from(properties.buffer, properties.byteOffset, properties.byteLength)
  const at = bytes.indexOf(HEAD)
  if (at < 0) return undefined
  const text = bytes.toString('latin1', at + HEAD.byteLength, at + PROPERTY_BYTES)
  return isTraceparent(text) ? text : undefined
}

/** The properties without the traceparent, because a message sent again may belong to another trace. */
export function withoutTrace(properties: Uint8Array): Uint8Array {
  const bytes = Buffer.from(properties.buffer, properties.byteOffset, properties.byteLength)
  const at = bytes.indexOf(HEAD)
  if (at < 0) return properties
  const end = Math.min(bytes.byteLength, at + PROPERTY_BYTES)
  return end - at === bytes.byteLength ? NOTHING : Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
}

const NOTHING = new Uint8Array(0)
