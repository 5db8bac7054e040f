/** Changes to JSON, of the kinds that break who validates or handles it. */
import type { SeededRandom } from '../../../support/random.ts'

const ODD_VALUES: readonly string[] = [
  ...['null', 'true', '0', '-1', '1.5', '1e400', '-0', '9007199254740993', '1e-7', '[]', '{}', '[null]', '""'],
  ...['"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"a/b"', '"+"', '"#"', '"$SYS"', '"%"', '"*"', '"__proto__"'],
  ...['">=1 <"', '"1.0 || "', '"!!!="', '"AAAA"', '"2030-01-01"', '"constructor"', '"a.b.c"', 'NaN', "'x'", '01', '+1'],
]
const ODD_NAMES: readonly string[] = [
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '""',
  '"to"',
  '"app"',
  '"x"',
  '"\\u0000"',
  '1',
]
const LARGE_VALUES: readonly (() => string)[] = [
  () => `"${'x'.repeat(129)}"`,
  () => `"${'語'.repeat(43)}"`,
  () => `"${'x'.repeat(70_000)}"`,
  () => `"${'>=1.2.3 <4 || '.repeat(300)}"`,
  () => `"${'A'.repeat(400_000)}"`,
  () => '['.repeat(50_000) + ']'.repeat(50_000),
  () => `[${'"x",'.repeat(1_000)}"x"]`,
  () => `{${Array.from({ length: 3_000 }, (_, at) => `"${at}":0`).join(',')}}`,
  () => '9'.repeat(5_000),
]

/** The object as JSON text, with one member changed; what stands there may not be JSON any more. */
export function mutateJson(value: unknown, random: SeededRandom): string {
  let left = random.between(1, count(value))
  const render = (item: unknown): string => {
    left -= 1
    if (left === 0) return replacement(item, random)
    if (Array.isArray(item)) return `[${item.map((each) => render(each)).join(',')}]`
    if (typeof item !== 'object' || item === null) return JSON.stringify(item)
    return `{${Object.entries(item)
      .flatMap(([name, each]) => member(name, render(each), random))
      .join(',')}}`
  }
  return render(value)
}

/** Values in it, itself included. */
function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, each) => sum + count(each), 1)
}

function replacement(item: unknown, random: SeededRandom): string {
  const kind = random.between(0, 9)
  if (kind === 0) return random.pick(LARGE_VALUES)()
  if (kind === 1) return `[${JSON.stringify(item)}]`
  if (kind === 2) return `{"value":${JSON.stringify(item)}}`
  return random.pick(ODD_VALUES)
}

/** Mostly as it is; sometimes left out, twice, under another name, or with a neighbour. */
function member(name: string, text: string, random: SeededRandom): string[] {
  const usual = `${JSON.stringify(name)}:${text}`
  switch (random.between(0, 40)) {
    case 0:
      return []
    case 1:
      return [usual, usual]
    case 2:
      return [`${random.pick(ODD_NAMES)}:${text}`]
    case 3:
      return [usual, `${random.pick(ODD_NAMES)}:${random.pick(ODD_VALUES)}`]
    default:
      return [usual]
  }
}
