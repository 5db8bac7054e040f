/** The frame around the pages: who is signed in, the menu, the theme. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, call, onSessionEnd } from './api/client.ts'
import type { Session } from './api/types.ts'
import { PAGES } from './pages/pages.ts'
import type { Page } from './pages/page.ts'
import { Empty, Failure, Lacking } from './parts/basics.tsx'
import { Plain } from './parts/plain.tsx'
import { SignIn } from './sign-in.tsx'
import { SignedContext } from './state/context.ts'
import { useFeed } from './state/feed.ts'
import { useKeptFocus } from './state/focus.ts'
import { linkTo, useRoute, type Route } from './state/route.ts'
import { useTheme, type Theme } from './state/theme.ts'

/** Whether the session still holds, also where no page asks for anything, ms. */
const LOOK_MS = 30_000

type Who = Session | 'asking' | 'nobody' | 'ended' | Error

export function App() {
  const [who, setWho] = useState<Who>('asking')
  const [theme, setTheme] = useTheme()
  useKeptFocus()
  const ask = () => {
    setWho('asking')
    call<Session>('GET', 'session').then(setWho, (error: unknown) =>
      setWho(error instanceof ApiError && error.code !== 'SESSION_ENDED' ? error : 'nobody'),
    )
  }
  useEffect(ask, [])
  useEffect(() => onSessionEnd(() => setWho((last) => (isSession(last) ? 'ended' : last))), [])
  if (who === 'asking') return <main class="sign-in" aria-busy="true" />
  if (who instanceof Error)
    return (
      <main class="sign-in">
        <h1 class="sr-only">aedes-push console</h1>
        <Failure error={who} retry={ask} />
      </main>
    )
  if (!isSession(who)) return <SignIn hasEnded={who === 'ended'} signedIn={setWho} />
  return (
    <Frame
      session={who}
      theme={theme}
      setTheme={setTheme}
      changed={setWho}
      ended={() => setWho('ended')}
      left={() => setWho('nobody')}
    />
  )
}

function isSession(who: Who): who is Session {
  return typeof who === 'object' && 'provider' in who
}

interface FrameProps {
  readonly session: Session
  readonly theme: Theme
  readonly setTheme: (theme: Theme) => void
  /** Its key may do more or less than before. */
  readonly changed: (session: Session) => void
  readonly ended: () => void
  readonly left: () => void
}

function Frame({ session, theme, setTheme, changed, ended, left }: FrameProps) {
  const route = useRoute()
  const feed = useFeed(session.scopes.includes('server:read'))
  useEffect(() => {
    const timer = setInterval(() => {
      call<Session>('GET', 'session').then(changed, (error: unknown) => {
        if (error instanceof ApiError && error.code === 'SESSION_ENDED') ended()
      })
    }, LOOK_MS)
    return () => clearInterval(timer)
  }, [])
  const signOut = () => {
    call('DELETE', 'session').then(left, left)
  }
  return (
    <SignedContext.Provider value={{ session, feed }}>
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the page
      </a>
      <div class="frame">
        <aside class="side">
          <p class="brand">
            <img src="icon.svg" alt="" width="22" height="22" /> aedes-push
          </p>
          <Menu route={route} />
          <div class="side-end">
            <ThemeChoice theme={theme} setTheme={setTheme} />
            <p class="who">
              <span class="muted">Signed in as</span>{' '}
              <strong>
                <Plain>{session.provider}</Plain>
              </strong>
            </p>
            <button type="button" onClick={signOut}>
              Sign out
            </button>
          </div>
        </aside>
        <Body route={route} session={session} />
      </div>
    </SignedContext.Provider>
  )
}

/** The address says which page it is, and must not change. */
function toMain(event: Event): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('main')?.focus()
}

function pageOf({ page }: Route): Page | undefined {
  return page === '' ? PAGES[0] : PAGES.find(({ name }) => name === page)
}

function Menu({ route }: { readonly route: Route }) {
  const current = pageOf(route)
  return (
    <nav aria-label="Pages">
      <ul>
        {PAGES.map((page) => (
          <li key={page.name}>
            <a href={linkTo(page.name)} aria-current={page === current ? 'page' : undefined}>
              {page.title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function ThemeChoice({ theme, setTheme }: Pick<FrameProps, 'theme' | 'setTheme'>) {
  return (
    <label class="theme">
      <span class="muted">Theme</span>
      <select value={theme} onChange={({ currentTarget }) => setTheme(themeIn(currentTarget.value))}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  )
}

function themeIn(value: string): Theme {
  return value === 'light' || value === 'dark' ? value : 'system'
}

/** Another page takes the focus to its top, as a page that is loaded would. */
function Body({ route, session }: { readonly route: Route; readonly session: Session }) {
  const main = useRef<HTMLElement>(null)
  const page = pageOf(route)
  const title = page?.title ?? 'No such page'
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${title} · aedes-push console`
    if (!isFirst.current) main.current?.focus()
    isFirst.current = false
  }, [title])
  return (
    <main id="main" ref={main} tabIndex={-1}>
      <h1>{title}</h1>
      {page === undefined ? (
        <Empty title="There is nothing here">Choose a page of the menu.</Empty>
      ) : page.scope !== undefined && !session.scopes.includes(page.scope) ? (
        <Lacking scope={page.scope} what={page.what ?? ''} />
      ) : (
        <page.Body rest={route.rest} key={`${page.name}/${route.rest.join('/')}`} />
      )}
    </main>
  )
}
