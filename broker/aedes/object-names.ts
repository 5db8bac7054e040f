/**
 * Aedes looks up client ids and topics in plain objects: one that is called as a member of `Object.prototype` is always
 * there, and one CONNECT with client id `constructor`, or one message of topic `constructor`, ends the process.
 */
const NAMES: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype))

export function isObjectName(name: string): boolean {
  return NAMES.has(name)
}
