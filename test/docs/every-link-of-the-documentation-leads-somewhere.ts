// Does every link of the documentation, on GitHub and in the built site, lead to a file and a heading that are there?
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lexer, walkTokens } from 'marked'
import { t } from '../support/tap.ts'
import { ROOT, temporaryFolder } from '../support/index.ts'
import { buildSite } from '../../scripts/site/build.ts'
import { meantBy } from '../../scripts/site/pages.ts'
import { findings } from '../console/support/axe.ts'
import { CHROMIUM, startBrowser } from '../console/support/browser.ts'

await t.test('in the built site, and in the sources', async (t) => {
  const folder = temporaryFolder(t, 'site')
  const pages = buildSite(folder)
  const read = (target: string) => readFileSync(join(folder, target), 'utf8')
  const idsOf = (html: string) => new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id))
  const ids = new Map(pages.map(({ source, target }) => [source, idsOf(read(target))]))
  const pageOf = (file: string) => ids.get(file) ?? ids.get(posix.join(file, 'README.md'))
  const wrong: string[] = []
  let found = 0

  for (const { source, target } of pages) {
    const links: string[] = []
    void walkTokens(lexer(readFileSync(join(ROOT, source), 'utf8')), (token) => {
      if (token.type === 'link' || token.type === 'image') links.push(token.href)
    })
    for (const link of links) {
      const meant = meantBy(link, source)
      if (meant === undefined) continue
      found++
      const { file, anchor } = meant
      if (file.startsWith('..') || !existsSync(join(ROOT, file))) wrong.push(`${source}: ${link}`)
      else if (anchor !== '' && pageOf(file)?.has(anchor) !== true) wrong.push(`${source}: ${link} has no such heading`)
    }
    for (const [, link = ''] of read(target).matchAll(/ (?:href|src)="([^"]*)"/g)) {
      const meant = meantBy(link, target)
      if (meant === undefined) continue
      const { file, anchor } = meant
      if (!existsSync(join(folder, file))) wrong.push(`${target}: ${link}`)
      else if (anchor !== '' && !idsOf(read(file)).has(anchor)) wrong.push(`${target}: ${link} has no such heading`)
    }
  }
  t.same(wrong, [])
  t.ok(found > 200, `${found} links`)
})

await t.test('in Chromium, from the disk', { skip: CHROMIUM === undefined }, async (t) => {
  const folder = temporaryFolder(t, 'site')
  const pages = buildSite(folder)
  const browser = await startBrowser(t)
  const page = await browser.open()
  await page.theme('dark')
  for (const { target } of pages.filter(({ source }) => /README|operations|console/.test(source))) {
    const { href } = pathToFileURL(join(folder, target))
    await page.call('Page.navigate', { url: href })
    await page.see(`location.href === ${JSON.stringify(href)} && document.readyState === 'complete'`)
    t.same(await findings(page), [], `axe on ${target}`)
  }
  t.same(
    page.requests.filter((url) => !/^(file|data):/.test(url)),
    [],
    'nothing of anybody else',
  )
})
