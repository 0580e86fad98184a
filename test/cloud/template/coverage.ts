// Which types of resources the local run brings to life, and which it leaves out, each with what is
// lost by that. A type that stands in neither list is refused.
import type { Template } from './template.ts'

const alive: readonly string[] = [
  'AWS::ApiGateway::Authorizer',
  'AWS::ApiGateway::GatewayResponse',
  'AWS::ApiGateway::Method',
  'AWS::ApiGateway::RequestValidator',
  'AWS::ApiGateway::Resource',
  'AWS::ApiGateway::RestApi',
  'AWS::ApiGateway::Stage',
  'AWS::DynamoDB::Table',
  'AWS::Events::EventBus',
  'AWS::Events::Rule',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::S3::Bucket',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::Queue',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::Schedule',
  'AWS::SecretsManager::Secret',
  'AWS::StepFunctions::StateMachine',
]

export const leftOut: Readonly<Record<string, string>> = {
  'AWS::ApiGateway::Account': 'where the gateway logs to',
  'AWS::ApiGateway::Deployment': 'the moment at which routes change',
  'AWS::ApiGateway::UsagePlan': 'bounds for callers with a key of the plan',
  'AWS::CloudWatch::Alarm': 'alarms; the metrics they read are kept',
  'AWS::CloudWatch::Dashboard': 'the dashboard',
  'AWS::Events::Archive': 'replay of events',
  'AWS::KMS::Key': 'encryption; its policy and those of its callers are evaluated',
  'AWS::Logs::LogGroup': 'logs; their bytes are counted',
  'AWS::Scheduler::ScheduleGroup': 'nothing',
}

export function refuseUnknownTypes({ resources }: Template): void {
  const strange = resources.filter(({ type }) => !alive.includes(type) && !(type in leftOut))
  if (strange.length === 0) return
  const list = strange.map(({ id, type }) => `${id} (${type})`).join(', ')
  throw new Error(`the local run does not know what to do with ${list}`)
}
