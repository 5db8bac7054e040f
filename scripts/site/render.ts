/** A page of Markdown as a page of the site. */
import Slugger from 'github-slugger'
import { Marked, type Tokens } from 'marked'
import { posix } from 'node:path'
import { meantBy, type SitePage } from './pages.ts'

export interface Rendered {
  readonly title: string
  /** Files of the repository that the page shows, such as pictures. */
  readonly files: readonly string[]
  readonly html: string
}

interface Place extends SitePage {
  readonly pages: readonly SitePage[]
  /** Of the repository, where files are that are no pages. */
  readonly repository: string
}

/** With anchors as GitHub makes them, so that a link holds in both places. */
export function render(markdown: string, place: Place): Rendered {
  const slugger = new Slugger()
  const files: string[] = []
  let title = place.source
  const marked = new Marked({ gfm: true })
  marked.use({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading) {
        const text = this.parser.parseInline(tokens)
        const plain = this.parser.parseInline(tokens, this.parser.textRenderer)
        if (depth === 1) title = plain
        return `<h${depth} id="${slugger.slug(unescaped(plain))}">${text}</h${depth}>\n`
      },
      // It takes the focus, so that the keys can scroll it.
      code({ text }: Tokens.Code) {
        return `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`
      },
      table(token: Tokens.Table) {
        return `<div class="table" role="group" aria-label="Table" tabindex="0">${tableOf(token, (cell) => this.parser.parseInline(cell.tokens))}</div>\n`
      },
    },
    walkTokens(token) {
      if (token.type === 'image') files.push(meantBy(token.href, place.source)?.file ?? '')
      if (token.type === 'link') token.href = addressOf(token.href, place)
    },
  })
  const html = marked.parse(markdown, { async: false })
  return { title, files: files.filter((file) => file !== ''), html }
}

/** Tables without a head have empty cells there, which nobody needs to hear of. */
function tableOf({ header, rows }: Tokens.Table, cellOf: (cell: Tokens.TableCell) => string): string {
  const hasHead = header.some(({ text }) => text !== '')
  const row = (cells: readonly Tokens.TableCell[], tag: string) =>
    `<tr>${cells.map((cell) => (cell.text === '' ? '<td></td>' : `<${tag}>${cellOf(cell)}</${tag}>`)).join('')}</tr>`
  const body = `<tbody>${rows.map((cells) => row(cells, 'td')).join('\n')}</tbody>`
  return `<table>${hasHead ? `<thead>${row(header, 'th')}</thead>` : ''}${body}</table>`
}

/** A page of the site where there is one; else the file in the repository. */
function addressOf(link: string, { source, target, pages, repository }: Place): string {
  const meant = meantBy(link, source)
  if (meant === undefined) return link
  const { file, anchor } = meant
  const end = anchor === '' ? '' : `#${encodeURIComponent(anchor)}`
  const page = pages.find((each) => each.source === file || each.source === posix.join(file, 'README.md'))
  if (page === undefined) return `${repository}/blob/main/${file}${end}`
  return page.target === target && end !== '' ? end : `${posix.relative(posix.dirname(target), page.target)}${end}`
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
