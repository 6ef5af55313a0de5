/**
 * The first Grafana dashboard, built with Grafana's own library from the panels beside this file.
 *
 * Data source, gateway (the scrape's job) and route are chosen on the dashboard. Every panel's query is run
 * against a real Prometheus by a test.
 */
import * as common from '@grafana/grafana-foundation-sdk/common'
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { Dashboard, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as StatesBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { INSIDE } from './inside.ts'
import type { Panel, Query, Row, Word } from './panel.ts'
import { JUDGE, NOW } from './standing.ts'
import { TRAFFIC } from './traffic.ts'

const ROWS: readonly Row[] = [NOW, ...TRAFFIC, JUDGE, ...INSIDE]
const SOURCE = { type: 'prometheus', uid: '${datasource}' }
const ALL = { text: 'All', value: '$__all' }

export function buildDashboard(): Dashboard {
  const builder = new DashboardBuilder('Banyan')
    .uid('banyan')
    .description('A strangler-fig gateway: the split between v1 and v2, how both do, and what was done about it.')
    .tags(['banyan'])
    .editable()
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(variable('job', 'Gateway', 'label_values(banyan_build_info, job)'))
    .withVariable(variable('route', 'Route', 'label_values(banyan_weight_percent{job=~"$job"}, route)'))
  let id = 0
  for (const { title, panels } of ROWS) {
    builder.withRow(new RowBuilder(title).id(++id))
    for (const panel of panels) builder.withPanel(panelOf(panel).id(++id))
  }
  return builder.build()
}

function variable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query(query)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current(ALL)
    .refresh(VariableRefresh.OnTimeRangeChanged)
}

type AnyBuilder = StatBuilder | StatesBuilder | LinesBuilder

function panelOf(panel: Panel): AnyBuilder {
  const builder = shapeOf(panel).title(panel.title).description(panel.about).unit(panel.unit).datasource(SOURCE).span(panel.width)
  for (const [index, query] of panel.queries.entries()) builder.withTarget(targetOf(query, index, panel))
  return builder
}

function targetOf({ expr, legend }: Query, index: number, { shape }: Panel): DataqueryBuilder {
  const target = new DataqueryBuilder()
    .datasource(SOURCE)
    .expr(expr)
    .legendFormat(legend)
    .refId(String.fromCharCode(65 + index))
  return shape.kind === 'number' ? target.instant() : target.range()
}

function shapeOf({ shape, unit }: Panel): AnyBuilder {
  switch (shape.kind) {
    case 'number':
      return numberOf(shape.words, shape.redFrom).height(4)
    case 'states':
      return statesOf(shape.words).height(7)
    case 'lines':
      return lines(unit, shape.stacked === true).height(8)
    case 'steps':
      return lines(unit, false).lineInterpolation(common.LineInterpolation.StepAfter).height(8)
    case 'bars':
      return lines(unit, true).drawStyle(common.GraphDrawStyle.Bars).fillOpacity(80).height(8)
    default:
      return shape satisfies never
  }
}

/** v1 is blue and v2 orange, wherever a line belongs to one of them alone. */
function lines(unit: string, stacked: boolean): LinesBuilder {
  const builder = new LinesBuilder()
    .lineWidth(1)
    .fillOpacity(stacked ? 30 : 5)
    .showPoints(common.VisibilityMode.Never)
    .min(0)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending))
    .overrideByRegexp('^v1$', [{ id: 'color', value: { mode: 'fixed', fixedColor: 'blue' } }])
    .overrideByRegexp('^v2$', [{ id: 'color', value: { mode: 'fixed', fixedColor: 'orange' } }])
  if (unit === 'percent') builder.axisSoftMax(1)
  return stacked ? builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A')) : builder
}

function numberOf(words: readonly Word[], redFrom: number | undefined): StatBuilder {
  return new StatBuilder()
    .mappings(mappingsOf(words))
    .graphMode(common.BigValueGraphMode.None)
    .textMode(common.BigValueTextMode.ValueAndName)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds(redFrom))
}

function statesOf(words: readonly Word[]): StatesBuilder {
  return new StatesBuilder()
    .mappings(mappingsOf(words))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .showValue(common.VisibilityMode.Auto)
    .mergeValues(true)
    .fillOpacity(70)
    .thresholds(thresholds(undefined))
}

function thresholds(redFrom: number | undefined): ThresholdsConfigBuilder {
  const red = redFrom === undefined ? [] : [{ value: redFrom, color: 'red' }]
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: 'text' }, ...red])
}

function mappingsOf(words: readonly Word[]): ValueMapping[] {
  if (words.length === 0) return []
  const options = Object.fromEntries(words.map(({ value, text, color }, index) => [String(value), { text, color, index }]))
  return [{ type: MappingType.ValueToText, options }]
}
