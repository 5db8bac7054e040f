/** The pages of the documentation, in the order in which a reader meets them, and where each one goes in the site. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { ROOT } from '../../test/support/root.ts'

export interface SitePage {
  /** Below the root of the repository. */
  readonly source: string
  /** Below the root of the site. */
  readonly target: string
}

/** Beside docs/: what the README of a repository shows first. */
const BESIDE = ['README.md', 'README.zh-CN.md', 'CHANGELOG.md', 'examples/README.md']
/** As the table of the README links to them. */
const LINK = /^\| \[docs\/([\w-]+\.md)\]/gm

/** @throws where the README does not name a page: nobody would find it */
export function sitePages(): SitePage[] {
  const named = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(LINK)].map(([, name = '']) => name)
  const all = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
  const missing = all.filter((name) => !named.includes(name))
  if (missing.length > 0) throw new Error(`README.md does not name ${missing.map((name) => `docs/${name}`).join(', ')}`)
  const [first = '', ...rest] = BESIDE
  return [first, ...named.map((name) => `docs/${name}`), ...rest].map((source) => ({
    source,
    target: targetOf(source),
  }))
}

function targetOf(source: string): string {
  return source.replace(/README\.md$/, 'index.html').replace(/\.md$/, '.html')
}

/** The file of the repository that a link of a page means, with its anchor; undefined: it leads out of the repository. */
export function meantBy(link: string, source: string): { readonly file: string; readonly anchor: string } | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return undefined
  const [path = '', anchor = ''] = link.split('#')
  const file = path === '' ? source : posix.normalize(posix.join(posix.dirname(source), decodeURIComponent(path)))
  return { file: file.replace(/\/$/, ''), anchor: decodeURIComponent(anchor) }
}
