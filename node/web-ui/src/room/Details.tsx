import { SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import type { Direction, Flow } from '../meeting/stats';
import { Loading } from '../ui/States';
import { number, percent, textOf } from '../ui/text';
import { useMeeting, useMeetingText, useVisit } from './context';
import { useStats, type Figures } from './useStats';

/** What the connection carries in each direction, and why not more. */
export function Details() {
  const { t } = useMeetingText();
  const { kbps } = useMeeting();
  const figures = useStats();
  if (!figures) return <Loading rows={4} />;
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Fact label={t('details.sent')} value={rate(figures.out.kbps)} />
        <Fact label={t('details.received')} value={rate(figures.in.kbps)} />
        <Fact
          label={t('details.trip')}
          value={milliseconds(figures.in.roundTripMs ?? figures.out.roundTripMs)}
        />
        <Fact label={t('details.bears')} value={kbps === null ? t('details.unknown') : rate(kbps)} />
      </SimpleGrid>
      <Sent figures={figures} />
      <Received figures={figures} />
    </Stack>
  );
}

function Sent({ figures }: { figures: Figures }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const why = (flow: Flow) => {
    const limit = meeting.publish.limitOf('video');
    if (flow.limited && flow.limited !== 'none')
      return textOf(`meeting:details.limited.${flow.limited}`, flow.limited);
    return flow.media === 'video' && limit !== undefined && limit !== 2 ? t('details.notWatched') : '';
  };
  return (
    <Flows
      title={t('details.out')}
      direction={figures.out}
      name={(flow) =>
        flow.media === 'audio' ? t('details.sound') : t('details.layer', { layer: flow.rid ?? '' })
      }
      why={why}
    />
  );
}

function Received({ figures }: { figures: Figures }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { participants, quality } = useMeeting();
  const name = (flow: Flow) => {
    const slot = meeting.receive.slot(flow.mid);
    const who = slot?.participant ? participants.get(slot.participant)?.name : undefined;
    if (!who) return flow.media === 'audio' ? t('details.sound') : t('details.picture');
    return slot?.kind === 'content' ? t('tile.screen', { name: who }) : who;
  };
  const why = (flow: Flow) => {
    const said = quality.get(flow.mid);
    if (!said || flow.media === 'audio') return '';
    const layer = said.layer === null ? '' : t('details.layerOf', { layer: said.layer + 1 });
    return [layer, t(`details.reason.${said.reason}`)].filter(Boolean).join(' · ');
  };
  return <Flows title={t('details.in')} direction={figures.in} name={name} why={why} />;
}

function Flows(props: {
  title: string;
  direction: Direction;
  name: (flow: Flow) => string;
  why: (flow: Flow) => string;
}) {
  const { t } = useMeetingText();
  const { flows } = props.direction;
  return (
    <section>
      <Title order={3} size="h4" mb={4}>
        {props.title}
      </Title>
      {flows.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('details.nothing')}
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={520} type="native">
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('details.what')}</Table.Th>
                <Table.Th ta="right">{t('details.rate')}</Table.Th>
                <Table.Th ta="right">{t('details.loss')}</Table.Th>
                <Table.Th ta="right">{t('details.size')}</Table.Th>
                <Table.Th>{t('details.why')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {flows.map((flow) => (
                <Table.Tr key={flow.key}>
                  <Table.Td>{props.name(flow)}</Table.Td>
                  <Table.Td ta="right">{rate(flow.kbps)}</Table.Td>
                  <Table.Td ta="right">{flow.loss === null ? '–' : percent(flow.loss)}</Table.Td>
                  <Table.Td ta="right">{sizeOf(flow)}</Table.Td>
                  <Table.Td>{props.why(flow)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </section>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fw={600}>{value}</Text>
    </div>
  );
}

const rate = (kbps: number) => textOf('value.kbps', '', { value: number(Math.round(kbps)) });
const milliseconds = (value: number | null) =>
  value === null ? '–' : textOf('meeting:details.ms', '', { value: number(Math.round(value)) });

function sizeOf({ width, height, fps }: Flow): string {
  if (!width || !height) return '–';
  const rate = fps === null ? '' : textOf('meeting:details.fps', '', { value: Math.round(fps) });
  return [`${width} × ${height}`, rate].filter(Boolean).join(' · ');
}
