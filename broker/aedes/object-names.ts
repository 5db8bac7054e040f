/**
 * Aedes looks up client ids and topics in plain objects, where members of `Object.prototype` always exist: one CONNECT
 * with the client id `constructor`, or one message on the topic `constructor`, ends the process.
 */
const NAMES: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype))

export function isObjectName(name: string): boolean {
  return NAMES.has(name)
}
