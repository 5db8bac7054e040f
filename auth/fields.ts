/** Objects that decide about security hold what is known, and nothing else. */

/**
 * A misspelt field would be left out without a word, and with it what it was to decide: `app` for `apps` made a
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
