// The app as `cdk synth` makes it: what the checkers of others find in it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { App, Stack, Validations } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { AwsSolutionsChecks } from 'cdk-nag'

import { recommendedFlags } from './testkit.ts'

interface Report {
  readonly pluginReports: readonly {
    readonly pluginName: string
    readonly violations: readonly { readonly ruleName: string }[]
  }[]
}

const require = createRequire(import.meta.url)

// It brings no types.
const aslValidator = require('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean
  readonly errorsText: (separator: string) => string
}

const folder = mkdtempSync(join(tmpdir(), 'quittance-synth-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const standard = synth('standard')
const express = synth('express')

test('cdk synth ends well', () => {
  for (const { status, stderr } of [standard, express]) assert.equal(status, 0, stderr)
})

test('cdk-nag (AwsSolutions) finds nothing that is not acknowledged with its reason', () => {
  for (const { out } of [standard, express]) assert.deepEqual(findingsIn(out), [])
})

test('cdk-nag is there: what nobody has acknowledged stands in the report', () => {
  const out = join(folder, 'planted')
  const app = new App({ context: recommendedFlags(), outdir: out })
  new Bucket(new Stack(app, 'Planted'), 'Bucket')
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  assert.throws(() => app.synth(), /Validation failed/)
  process.exitCode = 0
  assert.ok(findingsIn(out).includes('AwsSolutions-S1'))
})

test('asl-validator finds nothing in the machines', () => {
  for (const { out } of [standard, express]) {
    const machines = Object.values(templateIn(out).Resources).filter(
      ({ Type }) => Type === 'AWS::StepFunctions::StateMachine',
    )
    assert.equal(machines.length, 1)
    for (const { Properties } of machines) {
      const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:step'
      const text = String(Properties['DefinitionString']).replaceAll('${StepFunctionArn}', arn)
      const { isValid, errorsText } = aslValidator(JSON.parse(text))
      assert.ok(isValid, errorsText('\n'))
    }
  }
  assert.equal(aslValidator({ StartAt: 'Nowhere', States: {} }).isValid, false)
})

test('cfn-lint finds nothing in the templates', (t) => {
  if (spawnSync('cfn-lint', ['--version']).status !== 0) {
    // It is Python's: npm has none. CDK's own check of the schemas ran in each synth.
    return t.skip('cfn-lint is not installed here: pip install cfn-lint')
  }
  // W3005: a DependsOn that a reference implies already; CDK writes both.
  const templates = [standard, express].map(({ out }) => templatePath(out))
  const { status, stdout, stderr } = spawnSync('cfn-lint', ['-i', 'W3005', '-t', ...templates], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout + stderr)
})

test('two synths of one source are the same to the byte, and name no folder of this machine', () => {
  const again = synth('standard', 'again')
  const text = readFileSync(templatePath(standard.out), 'utf8')
  assert.equal(readFileSync(templatePath(again.out), 'utf8'), text)
  assert.ok(!text.includes(join(import.meta.dirname, '..')))
  assert.ok(!text.includes(new Date().toISOString().slice(0, 10)), 'nor the day')
})

test('cdk.json has every flag that CDK recommends', () => {
  const recommended: unknown = require('aws-cdk-lib/recommended-feature-flags.json')
  assert.deepEqual(recommendedFlags(), recommended)
})

test('the template is well below what CloudFormation takes', (t) => {
  const text = readFileSync(templatePath(standard.out), 'utf8')
  const { Resources, Outputs } = templateIn(standard.out)
  t.diagnostic(`${Object.keys(Resources).length} resources, ${Math.round(text.length / 1000)} kB`)
  // Each further processor brings some fifteen of its own.
  assert.ok(Object.keys(Resources).length <= 420, 'the limit is 500')
  assert.ok(text.length < 800_000, 'the limit is 1 MB')
  assert.ok(Object.keys(Outputs).length >= 8)
})

function synth(workflow: string, name = workflow) {
  const out = join(folder, name)
  const cdk = join(require.resolve('aws-cdk/package.json'), '../bin/cdk')
  const args = [cdk, 'synth', '--quiet', '--output', out, '--context', `workflow=${workflow}`]
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` },
  })
  return { out, status, stderr }
}

function findingsIn(out: string): readonly string[] {
  const text = readFileSync(join(out, 'validation-report.json'), 'utf8')
  const { pluginReports } = JSON.parse(text) as Report
  return pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName))
}

const templatePath = (out: string): string => join(out, 'Quittance.template.json')

function templateIn(out: string) {
  return JSON.parse(readFileSync(templatePath(out), 'utf8')) as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>
    Outputs: Record<string, unknown>
  }
}
