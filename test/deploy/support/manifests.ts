/** The manifests of Kubernetes, as far as the tests look at them. */
import { documents } from './files.ts'

export const MANIFESTS = 'deploy/kubernetes/aedes-push.yaml'

export interface Meta {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

export interface Container {
  readonly image: string
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly envFrom: readonly { readonly secretRef: { readonly name: string } }[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
  readonly securityContext: object
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

type Labels = Readonly<Record<string, string>>

export interface Deployment extends Meta {
  readonly spec: {
    readonly replicas: number
    readonly strategy: { readonly rollingUpdate: { readonly maxUnavailable: number; readonly maxSurge: number } }
    readonly selector: { readonly matchLabels: Labels }
    readonly template: {
      readonly metadata: { readonly labels: Labels; readonly annotations: Labels }
      readonly spec: {
        readonly serviceAccountName: string
        readonly enableServiceLinks: boolean
        readonly terminationGracePeriodSeconds: number
        readonly securityContext: object
        readonly containers: readonly Container[]
        readonly volumes: readonly { readonly name: string }[]
      }
    }
  }
}

export interface Service extends Meta {
  readonly spec: {
    readonly selector: Labels
    readonly ports: readonly { readonly port: number; readonly targetPort: string }[]
  }
}

export interface DisruptionBudget extends Meta {
  readonly spec: { readonly maxUnavailable: number; readonly selector: { readonly matchLabels: Labels } }
}

export const manifests = () => documents<Meta>(MANIFESTS)

/** The only one of its kind. */
export function kind<T>(file: string, wanted: string): Meta & T {
  const [only, ...others] = documents<Meta & T>(file).filter((each) => each.kind === wanted)
  if (only === undefined || others.length > 0) throw new Error(`${file} has not one ${wanted}`)
  return only
}

export const deployment = () => kind<Deployment>(MANIFESTS, 'Deployment')
export const services = () => documents<Service>(MANIFESTS).filter((each) => each.kind === 'Service')
