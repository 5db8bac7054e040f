/** A client of a device, and what it is told. */
import { listen, PushClientError, type Listener, type ListenOptions, type Message } from '../../../client/index.ts'
import { ArrivalQueue, type Scope, within } from '../../support/index.ts'

export interface Listening {
  readonly listener: Listener
  readonly messages: ArrivalQueue<Message>
  readonly errors: ArrivalQueue<PushClientError>
  readonly states: string[]
  texts(count: number): Promise<string[]>
}

type Options = Omit<ListenOptions, 'url' | 'onMessage'> & Partial<Pick<ListenOptions, 'onMessage'>>

/** @param onMessage absent: every message is handled at once */
export function startListening(
  t: Scope,
  target: { readonly host?: string; readonly httpPort: number },
  options: Options,
): Listening {
  const messages = new ArrivalQueue<Message>('a message of the client')
  const errors = new ArrivalQueue<PushClientError>('an error of the client')
  const states: string[] = []
  const listener = listen({
    url: `http://${target.host ?? '127.0.0.1'}:${target.httpPort}`,
    ...options,
    async onMessage(message, context) {
      await options.onMessage?.(message, context)
      messages.push(message)
    },
    onError(error) {
      errors.push(error)
      options.onError?.(error)
    },
    onState: (state) => void states.push(state),
  })
  t.teardown(() => listener.close())
  return {
    listener,
    messages,
    errors,
    states,
    texts: async (count) => (await messages.nextN(count)).map(({ text }) => text),
  }
}

/** What ended a client, by its code. */
export async function endOf({ closed }: Listener): Promise<string> {
  const end = closed.then(
    () => 'closed',
    (error: unknown) => (error instanceof PushClientError ? error.code : String(error)),
  )
  return await within('the end of a client', end)
}
