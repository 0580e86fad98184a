// What `cdk deploy` deploys. A deployment of your own starts as a copy of this file: the processors, the
// limits and who is told are chosen here.
import { App, CfnParameter, Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'

import { bundle, maxBytes, tooLarge } from './bundle.ts'
import { Quittance } from './quittance.ts'

const over = tooLarge(await bundle())
if (over.length > 0) throw new Error(`Larger than ${maxBytes / 1000} kB: ${over.join(', ')}.`)

const app = new App()
const stack = new Stack(app, 'Quittance', {
  description: 'Payments for autonomous agents that happen once or not at all, and say which',
})

const simulatorUrl = new CfnParameter(stack, 'SimulatorUrl', {
  description: 'Where the simulated processor is reached',
  default: 'https://simulator.invalid',
  allowedPattern: 'https?://.+',
})

const operatorRole = new CfnParameter(stack, 'OperatorRole', {
  description: 'The role of this account whose sessions are operators: its name, without path',
  default: 'quittance-operator',
  allowedPattern: '[\\w+=,.@-]+',
})

new Quittance(stack, 'Payments', {
  processors: {
    simulated: {
      kind: 'simulated',
      url: simulatorUrl.valueAsString,
      account: { id: 'acct_simulated', livemode: false },
      rate: { perSecond: 100, burst: 100 },
    },
  },
  identities: [{ iamRole: operatorRole.valueAsString, role: 'operator' }],
  sandbox: true,
  workflow: app.node.tryGetContext('workflow') === 'express' ? 'express' : 'standard',
})

Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
