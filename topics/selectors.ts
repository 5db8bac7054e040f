/** Selects the devices of an app that a broadcast is for: by version and by tags. */
import { LRUCache } from 'lru-cache'
import { compileTagSelector, parseTagSelectorJson, type TagTest } from './tags.ts'
import { decodeVersions, encodeVersions, VersionTests, type VersionSelector, type VersionTest } from './versions.ts'

/** `tags` is the text form of a tag selector; absent: whatever the tags are. */
export type Selector = VersionSelector & { readonly tags?: string }

/** Selects every device of the app. */
export function isForAll({ kind, tags }: Selector): boolean {
  return kind === 'all' && tags === undefined
}

/**
 * The text form of a selector, its name in the store: `=1.0`, `~>=2.1 <3`, `*`; with tags `#{"any":["beta"]}`, a line
 * feed, then the versions. The JSON holds no line feed, and nothing else starts with `#`.
 */
export function encodeSelector(selector: Selector): string {
  const versions = encodeVersions(selector)
  return selector.tags === undefined ? versions : `#${selector.tags}\n${versions}`
}

/**
 * Parses a text that `encodeSelector` produced, without checking its tags, because a store reads many at a time.
 * @throws TypeError if it is not a selector
 */
export function decodeSelector(text: string): Selector {
  if (!text.startsWith('#')) return decodeVersions(text)
  const end = text.indexOf('\n')
  if (end === -1) throw new TypeError('not the text of a selector')
  return { ...decodeVersions(text.slice(end + 1)), tags: text.slice(1, end) }
}

/**
 * Parses a text from outside.
 * @throws TypeError if it is not in the form that `encodeSelector` produces
 */
export function readSelector(text: string): Selector {
  const selector = decodeSelector(text)
  const { tags } = selector
  if (tags !== undefined && parseTagSelectorJson(tags) !== tags) throw new TypeError('not the text of a selector')
  return selector
}

/** Maximum number of cached tag selectors. */
const TAG_SELECTORS = 1_000
/** In units of about a microsecond. */
const COMPILE_COST = 20

/**
 * Answers which devices a selector matches, with a bounded cache: a log repeats the same few selectors, and devices run
 * the same few versions.
 */
export class Selections {
  readonly #versions = new VersionTests()
  readonly #tags = new LRUCache<string, TagTest>({ max: TAG_SELECTORS })
  #compiling = 0

  /** Units of work so far. */
  get work(): number {
    return this.#versions.work + this.#compiling
  }

  /** `tags`: tags of the device; undefined if unknown, which matches no selector with tags. */
  selects(selector: Selector, version: string, tags: readonly string[] | undefined): boolean {
    return this.selectsVersion(selector, version) && this.selectsTags(selector, tags)
  }

  /** Whether it may match devices of this version, depending on their tags. */
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
