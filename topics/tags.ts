/** Tags of devices, and tag selectors of broadcasts. */
import { isPlainText } from './names.ts'

/**
 * Matches devices with at least one tag of `any`, all tags of `all` and no tag of `none`. At least one list is given.
 */
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

/** At most 16 tags, sorted and unique; undefined if invalid. */
export function parseTags(list: unknown): string[] | undefined {
  if (!Array.isArray(list) || list.length > MAX_TAGS || !list.every(isTag)) return undefined
  return [...new Set(list)].sort()
}

/**
 * The text form of a tag selector: JSON, lists in a fixed order, tags sorted and unique. Undefined if the value is not
 * a tag selector.
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

/** The same for JSON from outside. */
export function parseTagSelectorJson(json: string): string | undefined {
  try {
    return parseTagSelector(JSON.parse(json))
  } catch {
    return undefined
  }
}

/** Whether a tag selector matches a device with these tags. */
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
