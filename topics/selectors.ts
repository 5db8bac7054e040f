/** Which devices of an app a broadcast is for: by the version that they run, and by their tags. */
import { LRUCache } from 'lru-cache'
import { compileTagSelector, parseTagSelectorJson, type TagTest } from './tags.ts'
import { decodeVersions, encodeVersions, VersionTests, type VersionSelector, type VersionTest } from './versions.ts'

/** `tags` is the text form of a tag selector; absent: whatever the tags are. */
export type Selector = VersionSelector & { readonly tags?: string }

/** It is for every device of the app. */
export function isForAll({ kind, tags }: Selector): boolean {
  return kind === 'all' && tags === undefined
}

/**
 * The text form of a selector, its name in the store: `=1.0`, `~>=2.1 <3`, `*`; with tags `#{"any":["beta"]}`, a line feed,
 * and then the versions. JSON has no line feed within, and nothing else begins with `#`.
 */
export function encodeSelector(selector: Selector): string {
  const versions = encodeVersions(selector)
  return selector.tags === undefined ? versions : `#${selector.tags}\n${versions}`
}

/**
 * Of a text that `encodeSelector` made: its tags are not looked into, because a store reads many at one time.
 * @throws TypeError when it is none
 */
export function decodeSelector(text: string): Selector {
  if (!text.startsWith('#')) return decodeVersions(text)
  const end = text.indexOf('\n')
  if (end === -1) throw new TypeError('not the text of a selector')
  return { ...decodeVersions(text.slice(end + 1)), tags: text.slice(1, end) }
}

/**
 * Of a text that anybody may have made.
 * @throws TypeError when it is not one that `encodeSelector` makes
 */
export function readSelector(text: string): Selector {
  const selector = decodeSelector(text)
  const { tags } = selector
  if (tags !== undefined && parseTagSelectorJson(tags) !== tags) throw new TypeError('not the text of a selector')
  return selector
}

/** Tag selectors that are remembered. */
const TAG_SELECTORS = 1_000
/** In units of about a microsecond. */
const COMPILE_COST = 20

/**
 * Answers which devices a selector takes, and remembers what it takes to answer, within limits: a log holds the same few
 * selectors again and again, and devices have the same few versions.
 */
export class Selections {
  readonly #versions = new VersionTests()
  readonly #tags = new LRUCache<string, TagTest>({ max: TAG_SELECTORS })
  #compiling = 0

  /** Units of work so far. */
  get work(): number {
    return this.#versions.work + this.#compiling
  }

  /** `tags`: of the device; undefined if nobody knows them, which is taken by nothing that asks for tags. */
  selects(selector: Selector, version: string, tags: readonly string[] | undefined): boolean {
    return this.selectsVersion(selector, version) && this.selectsTags(selector, tags)
  }

  /** It may be for devices of this version, as far as their tags allow. */
  selectsVersion(selector: Selector, version: string): boolean {
    return this.versionTest(selector)(version)
  }

  selectsTags(selector: Selector, tags: readonly string[] | undefined): boolean {
    const test = this.tagTest(selector)
    return test === undefined || (tags !== undefined && test(tags))
  }

  /** The same for many versions. */
  versionTest(selector: Selector): VersionTest {
    return this.#versions.test(selector)
  }

  /** The same for many devices; undefined: whatever their tags are. */
  tagTest({ tags: text }: Selector): TagTest | undefined {
    if (text === undefined) return undefined
    const known = this.#tags.get(text)
    if (known !== undefined) return known
    this.#compiling += COMPILE_COST
    const test = compileTagSelector(text)
    this.#tags.set(text, test)
    return test
  }
}
