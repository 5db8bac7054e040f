// Where a page says how large the console, the client or /docs is, is it so, and within what was promised?
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { serve } from '../bridge/support/serve.ts'
import { ROOT } from '../support/root.ts'
import { t } from '../support/tap.ts'

const KB = 1024

function consoleBytes(): number {
  const folder = join(ROOT, '.build', 'console')
  const packed = readdirSync(folder).filter((name) => name.endsWith('.gz'))
  return packed.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

async function clientBytes(): Promise<number> {
  const bundle = await rolldown({ input: join(ROOT, 'client', 'index.ts'), platform: 'browser' })
  const { output } = await bundle.generate({ format: 'es', minify: true, codeSplitting: false })
  await bundle.close()
  return gzipSync(output[0].code, { level: 9 }).length
}

await t.test('gzip, as most servers and browsers have it', async (t) => {
  const { url } = await serve(t)
  const docs = await fetch(`${url}/docs`, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })
  for (const [what, page, sentence, bytes, most] of [
    ['the console', 'docs/console.md', /All of it is (\d+) KB compressed, of at most (\d+) KB/, consoleBytes(), 80],
    ['the client', 'docs/client.md', /takes ([\d.]+) KB compressed, of at most (\d+) KB/, await clientBytes(), 5],
    [
      '/docs',
      'docs/http.md',
      /(\d+) KB compressed, of at most (\d+) KB/,
      Number(docs.headers.get('content-length')),
      30,
    ],
  ] as const) {
    const [, said = '', promised] = sentence.exec(readFileSync(join(ROOT, page), 'utf8')) ?? []
    t.equal(Number(promised), most, `${page} says what is promised`)
    t.ok(bytes <= most * KB, `${what}: ${bytes} bytes`)
    // A change of a line need not change the page.
    t.ok(Math.abs(Number(said) * KB - bytes) <= bytes / 20, `${page} says ${said} KB of ${bytes} bytes`)
  }
})
