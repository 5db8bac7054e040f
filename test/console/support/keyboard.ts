/** The page by the keyboard alone. */
import type { Page } from './browser.ts'

/** What the focused thing is called, as far as the page shows it. */
export async function focused(page: Page): Promise<string> {
  return await page.read(`(() => {
    const { labels, innerText } = document.activeElement
    return (labels?.[0]?.innerText ?? innerText ?? '').trim()
  })()`)
}

export async function tabTo(page: Page, name: string): Promise<void> {
  for (let tabs = 0; tabs < 40; tabs++) {
    await page.press('Tab')
    if ((await focused(page)).startsWith(name)) return
  }
  throw new Error(`the keyboard does not come to ${name}`)
}
