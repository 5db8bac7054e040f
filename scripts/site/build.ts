/** The documentation as a folder of HTML that any web server serves, or a browser opens from the disk. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { ROOT } from '../../test/support/root.ts'
import { sitePages, type SitePage } from './pages.ts'
import { escaped, render, type Rendered } from './render.ts'

const STYLE = 'style.css'
const SCRIPTS = join(ROOT, 'scripts', 'site')

interface Package {
  readonly repository: { readonly url: string }
}

/** @param folder is removed first */
export function buildSite(folder: string): readonly SitePage[] {
  const pages = sitePages()
  const { repository }: Package = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const address = repository.url.replace(/^git\+/, '').replace(/\.git$/, '')
  const rendered = pages.map((page) => {
    const markdown = readFileSync(join(ROOT, page.source), 'utf8')
    return { page, ...render(markdown, { ...page, pages, repository: address }) }
  })
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(SCRIPTS, STYLE), join(folder, STYLE))
  for (const each of rendered) write(folder, each.page.target, pageOf(each, rendered))
  for (const file of new Set(rendered.flatMap(({ files }) => files)))
    write(folder, file, readFileSync(join(ROOT, file)))
  return pages
}

function write(folder: string, name: string, content: string | Uint8Array): void {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

interface WithPage extends Rendered {
  readonly page: SitePage
}

function pageOf({ page, title, html }: WithPage, all: readonly WithPage[]): string {
  const here = posix.dirname(page.target)
  const links = all.map(({ page: { target }, title: name }) => {
    const current = target === page.target ? ' aria-current="page"' : ''
    return `<li><a href="${posix.relative(here, target)}"${current}>${name}</a></li>`
  })
  const language = page.source.endsWith('.zh-CN.md') ? 'zh-CN' : 'en'
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title === 'aedes-push' ? title : `${title} · aedes-push`}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${escaped(posix.relative(here, STYLE))}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<nav aria-label="Pages" tabindex="0"><ul>
${links.join('\n')}
</ul></nav>
<main id="content">
${html}</main>
</body>
</html>
`
}
