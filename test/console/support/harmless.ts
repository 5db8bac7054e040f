/** That what others wrote is read, and does nothing. */
import type { Test } from 'tap'
import type { Page } from './browser.ts'

/** Nothing ran, nothing of it became a part of the page, and the page is as wide as it was. */
export async function isHarmless(t: Test, page: Page): Promise<void> {
  t.same(page.dialogs, [])
  t.equal(
    await page.read(
      `document.querySelectorAll('main img, main script, main svg, main b, main u, main i, main s').length`,
    ),
    0,
  )
  t.ok(await page.read('document.documentElement.scrollWidth <= innerWidth'))
}
