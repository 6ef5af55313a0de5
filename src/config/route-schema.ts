/** One route: which requests, how far their migration is, and who is treated apart. */
import { z } from 'zod'
import { choice, size, text, toggle } from './fields.ts'
import * as names from './names.ts'
import { settingsShape } from './settings-schema.ts'

const headerValue = (doc: string) => text(doc, { write: 'a text' })

const matchHeaders = z
  .record(z.string(), headerValue('The exact value.'))
  .meta({ description: 'Headers that must have these values.' })
  .superRefine((headers, context) => {
    const seen = new Set<string>()
    for (const key of Object.keys(headers)) {
      const message = names.isToken(key)
        ? names.requestHeaderProblem(key)
        : `${JSON.stringify(key)} is no header name; write one such as x-tenant`
      if (message !== null) context.addIssue({ code: 'custom', path: [key], message })
      if (seen.has(key.toLowerCase()))
        context.addIssue({ code: 'custom', path: [key], message: 'this header is there twice, in another case; keep one' })
      seen.add(key.toLowerCase())
    }
  })
  .transform((headers) => Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value])))

const match = z
  .strictObject({
    path: names.globPath('* within a segment, /** any number of segments, {name} one segment.').prefault('/**'),
    methods: z.array(names.method('A method.')).meta({ description: 'Methods; empty = all. GET includes HEAD.' }).prefault([]),
    host: names.hostName('Host without port.').nullable().prefault(null),
    header: matchHeaders.prefault({}),
  })
  .meta({ description: 'Which requests are meant; left out = all.' })

const headerList = (description: string) =>
  z
    .strictObject({
      header: names.requestHeader('Header that is looked at.', 'x-user-id'),
      values: z.array(headerValue('One value.')).min(1),
    })
    .meta({ description })
    .nullable()
    .prefault(null)

const force = z
  .strictObject({
    header: names.requestHeader('Header that names v1 or v2.', 'x-force-backend').prefault('x-force-backend'),
    secret: names.secret('What the header must also carry; null = anybody may choose.').nullable().prefault(null),
    whileTripped: toggle('Also while v2 is dropped to zero.').prefault(false),
  })
  .meta({ description: 'A request may choose its backend by header.' })

const version = z
  .strictObject({
    detect: z
      .array(choice('header: X-API-Version. accept: media type. path: /v2/….', ['header', 'accept', 'path']))
      .min(1)
      .prefault(['header', 'accept', 'path']),
    default: choice('When a request names none.', ['v1', 'v2']).prefault('v1'),
    strict: toggle('Refuse versions that are not known.').prefault(false),
  })
  .meta({ description: 'A request may ask for an API version.' })

export const routeSchema = z
  .strictObject({
    name: names.name('Name of the route; its state belongs to it.', 'a name such as orders'),
    group: names.name('Routes of one group share stage, weight, ramp and latch.', 'a name such as orders').optional(),
    match: match.prefault({}),
    ...settingsShape,
    allow: headerList('These users always get v2 in the canary stage.'),
    deny: headerList('These users always get v1.'),
    force: force.nullable().prefault(null),
    version: version.nullable().prefault(null),
    body: size("Largest request body (413); 0 = the gateway's limit.").prefault(0),
  })
  .transform(({ body, group, ...rest }) => ({ ...rest, group: group ?? rest.name, bodyBytes: body }))
