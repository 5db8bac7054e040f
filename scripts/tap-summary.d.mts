export interface Summary {
  readonly counts: { pass: number; fail: number; skip: number; todo: number }
  line(line: string): void
}
export function createSummary(print: (line: string) => void): Summary
