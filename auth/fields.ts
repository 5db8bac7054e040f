/** Strict objects: security settings may hold known fields only. */

/**
 * Otherwise a misspelt field would be ignored silently, with what it was to decide: `app` instead of `apps` made a
 * provider of every app.
 * @throws Error that names the field
 */
export function checkFields(value: object, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new Error(`${where}: ${JSON.stringify(unknown)} is not known here; allowed are ${known.join(', ')}`)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
