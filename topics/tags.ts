/** Tags of a device, and which of them a broadcast asks for. */
import { isPlainText } from './names.ts'

/** Which devices: those that have one of `any`, all of `all`, and none of `none`. At least one of them is given. */
export interface TagSelector {
  readonly any?: readonly string[] | undefined
  readonly all?: readonly string[] | undefined
  readonly none?: readonly string[] | undefined
}

/** Max tags of a device, and of each list of a selector. */
export const MAX_TAGS = 16
export const MAX_TAG_BYTES = 64

/** The order of the text form. */
const LISTS = ['all', 'any', 'none'] as const
type List = (typeof LISTS)[number]

export function isTag(value: unknown): value is string {
  return typeof value === 'string' && isPlainText(value, MAX_TAG_BYTES)
}

/** At most 16 tags, sorted, each once; undefined if it is something else. */
export function parseTags(list: unknown): string[] | undefined {
  if (!Array.isArray(list) || list.length > MAX_TAGS || !list.every(isTag)) return undefined
  return [...new Set(list)].sort()
}

/**
 * The text form of a tag selector: JSON, its lists in one order, their tags sorted and each once. Undefined if the value is
 * no tag selector.
 */
export function parseTagSelector(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const lists: { [name in List]?: string[] } = {}
  for (const [name, given] of Object.entries(value)) {
    if (given === undefined) continue
    const list = LISTS.find((each) => each === name)
    const tags = parseTags(given)
    if (list === undefined || tags === undefined || tags.length === 0) return undefined
    lists[list] = tags
  }
  const { all, any, none } = lists
  return Object.keys(lists).length === 0 ? undefined : JSON.stringify({ all, any, none })
}

/** The same of JSON that somebody wrote. */
export function parseTagSelectorJson(json: string): string | undefined {
  try {
    return parseTagSelector(JSON.parse(json))
  } catch {
    return undefined
  }
}

/** Whether a tag selector takes a device with these tags. */
export type TagTest = (tags: readonly string[]) => boolean

/** `text` is the text form. */
export function compileTagSelector(text: string): TagTest {
  const { any, all = [], none = [] } = JSON.parse(text) as TagSelector
  const wanted = any === undefined ? undefined : new Set(any)
  const unwanted = new Set(none)
  return (tags) =>
    (wanted === undefined || tags.some((tag) => wanted.has(tag))) &&
    all.every((tag) => tags.includes(tag)) &&
    !tags.some((tag) => unwanted.has(tag))
}
