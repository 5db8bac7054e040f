// Does /docs show every call of /openapi.json, on one page that needs no script and asks nobody else for anything?
import { t } from '../support/tap.ts'
import { ERRORS } from '../../errors.ts'
import { request, startServer } from '../support/index.ts'
import { findings } from '../console/support/axe.ts'
import { CHROMIUM, startBrowser } from '../console/support/browser.ts'
import { serve } from './support/serve.ts'

const get = (url: string, headers: Record<string, string> = {}) => fetch(`${url}/docs`, { headers })

await t.test('every call, parameter, field and error code', async (t) => {
  const server = await startServer(t, { settings: { PUSH_PUBLIC_URL: 'https://push.example.com' } })
  const { paths, components } = (await request(server, 'GET', '/openapi.json', { bearer: null })).body
  const page = await (await get(`http://127.0.0.1:${server.httpPort}`)).text()
  const [, ...sections] = page.split('<section id="')
  const byId = new Map(sections.map((each) => [each.slice(0, each.indexOf('"')), each]))
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into what it was answered
  const calls = Object.entries<Record<string, any>>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
  )
  t.ok(calls.length > 45)
  const missing: string[] = []
  const expect = (isThere: boolean, what: string) => void (isThere || missing.push(what))
  for (const { path, method, operationId, parameters = [], requestBody, responses } of calls) {
    const section = byId.get(operationId) ?? ''
    expect(section.includes(`<code>${method.toUpperCase()} ${path}</code>`), operationId)
    expect(page.includes(`<a href="#${operationId}">`), `${operationId} in the navigation`)
    expect(section.includes('<code>curl -s'), `${operationId}: a command`)
    // oxlint-disable-next-line typescript/no-explicit-any -- the same
    const fields = Object.values<any>(requestBody?.content ?? {}).flatMap(({ schema }) =>
      Object.keys(schema.properties ?? {}),
    )
    const names = [...parameters.map(({ name }: { name: string }) => name), ...fields]
    for (const name of names) expect(section.includes(`<code>${name}</code>`), `${operationId} ${name}`)
    for (const [status, { description }] of Object.entries<{ description: string }>(responses)) {
      expect(section.includes(`<code>${status}</code>`), `${operationId} ${status}`)
      const codes = status < '400' ? [] : [...description.matchAll(/^`(\w+)`: /gm)]
      for (const [, code = ''] of codes) expect(section.includes(`<a href="#error-${code}">`), `${operationId} ${code}`)
    }
  }
  t.same(missing, [])
  t.equal(byId.size, calls.length, 'and nothing else')
  t.same(
    Object.keys(components.securitySchemes).filter((name) => !page.includes(`id="credential-${name.toLowerCase()}"`)),
    [],
  )
  t.ok(page.includes(ERRORS.TTL_INVALID.title))
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  t.equal(new Set(ids).size, ids.length, 'no anchor is there twice')
  const links = [...page.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = '']) => link)
  const anchors = links.filter((link) => link.startsWith('#'))
  t.same(new Set(anchors.filter((link) => !ids.includes(link.slice(1)))), new Set(), 'every link leads somewhere')
  t.same(new Set(links.filter((link) => !link.startsWith('#'))), new Set(['openapi.json', 'data:,']))
  t.notMatch(page, /<script|@import|url\(/)
  t.notMatch(page, server.providerKey)
})

await t.test('its headers', async (t) => {
  const { url } = await serve(t)
  const answer = await get(url)
  t.equal(answer.status, 200)
  t.match(Object.fromEntries(answer.headers), {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': /^default-src 'none'; style-src 'sha256-[\w+/=]+'; .*frame-ancestors 'none'$/,
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
  })
  t.notMatch(answer.headers.get('content-security-policy'), /unsafe|\*|https?:/)
  t.equal((await fetch(`${url}/docs`, { method: 'POST' })).status, 405)
})

await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const { url } = await serve(t, { console: 'local' })
  const browser = await startBrowser(t)
  const page = await browser.open(`${url}/docs`)
  for (const theme of ['light', 'dark'] as const) {
    await page.theme(theme)
    t.same(await findings(page), [], `axe in ${theme}`)
  }
  await page.size(400, 800)
  t.same(await findings(page), [], 'axe on a narrow page')
  t.ok(await page.read('document.documentElement.scrollWidth <= innerWidth'), 'it fits')
  await page.click('Send a message', "document.querySelector('nav')")
  await page.see(`location.hash === '#sendMessage'`)
  t.same(page.complaints, [])
  t.same(
    page.requests.filter((each) => !each.startsWith(url) && each !== 'data:,'),
    [],
  )
})
