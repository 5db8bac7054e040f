/** axe-core in the page: what stands in the way of whoever does not see, or uses no mouse. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from './browser.ts'

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** `rule: where`, for each thing that it finds. */
export async function findings(page: Page): Promise<readonly string[]> {
  // By the protocol: the policy of the page lets no other script in.
  await page.read(`${SOURCE};0`)
  return await page.read(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ': ' + target + ' ' + failureSummary)))`)
}

export async function inBothThemes(page: Page): Promise<readonly string[]> {
  const found: string[] = []
  for (const scheme of ['dark', 'light'] as const) {
    await page.theme(scheme)
    found.push(...(await findings(page)).map((each) => `${scheme} ${each}`))
  }
  return found
}
