/** A page of the console in which somebody has signed in. */
import type { Server } from '../../support/server.ts'
import type { Browser, Page } from './browser.ts'

export async function signIn(browser: Browser, server: Server, key = server.providerKey): Promise<Page> {
  const page = await browser.open(addressOf(server))
  await enter(page, key)
  await page.see(`!!document.querySelector('nav')`)
  return page
}

export async function enter(page: Page, key: string): Promise<void> {
  await page.fill('Provider key', key)
  await page.click('Sign in')
}

export function addressOf({ httpPort }: { readonly httpPort: number }): string {
  return `http://localhost:${httpPort}/console/`
}

/** Goes there by the menu. */
export async function visit(page: Page, title: string): Promise<void> {
  await page.click(title, "document.querySelector('nav')")
  await page.see(`document.querySelector('h1').innerText === ${JSON.stringify(title)}`)
}
