// Where the `type` of every problem leads: a page with each code, for who follows the link.
import * as z from 'zod'

import { adviceWords, rejectionTable } from '../core/rejections.ts'
import { open } from './route.ts'
import type { Route } from './route.ts'

const contentType = 'text/html; charset=utf-8'

/** The texts are our own, and hold nothing that HTML would read. */
function page(): string {
  const entries = Object.entries(rejectionTable).map(
    ([code, { status, title, advice }]) =>
      `<h2 id="${code}">${code}</h2>\n<p>${title}.</p>\n<p>HTTP ${status}. ${adviceWords[advice]}</p>`,
  )
  return [
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Quittance: errors</title>',
    '<h1>Errors</h1>\n<p>What a problem may say as its code. A refusal has stored nothing.</p>',
    ...entries,
    '</html>\n',
  ].join('\n')
}

export const errorsPage: Route = open(
  'GET',
  '/docs/errors',
  {
    name: 'explainErrors',
    summary: 'Every code of a problem; where its `type` leads',
    status: 200,
    contentType,
    answer: z.string(),
    example: '<h2 id="not_found">not_found</h2>\n',
  },
  async () => ({ status: 200, body: page(), headers: { 'content-type': contentType } }),
)
