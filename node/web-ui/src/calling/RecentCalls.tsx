import { ActionIcon, Anchor, Card, Group, Stack, Text, Title, Tooltip } from '@mantine/core';
import { IconPhone, IconPhoneIncoming, IconPhoneOutgoing, IconPhoneX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import type { Call } from '../api/types';
import { Time } from '../ui/Time';
import { useMe } from '../ui/useMe';
import { idOf, lasted, missed } from './callText';
import { NoticeOffer } from './NoticeOffer';
import { useCall } from './useCall';

const SHOWN = 6;

/** Whom one talked to last, and whose calls one has missed. */
export function RecentCalls() {
  const { t } = useTranslation();
  const { data } = useQuery(queries.calls());
  const mayCall = useMe().rights.includes('make_calls');
  const { call, busy } = useCall();
  const over = (data ?? []).filter(({ state }) => state === 'over').slice(0, SHOWN);
  if (over.length === 0) return null;
  return (
    <Card withBorder padding="lg">
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <Title order={2}>{t('call.recent')}</Title>
          <Anchor
            size="sm"
            renderRoot={(props) => <Link to="/history" search={{ kind: 'calls' }} {...props} />}
          >
            {t('call.all')}
          </Anchor>
        </Group>
        {over.some(missed) && <NoticeOffer />}
        <Stack component="ul" gap={4} m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('call.recent')}>
          {over.map((one) => (
            <li key={one.cid}>
              <Group justify="space-between" gap="sm" wrap="nowrap" py={4}>
                <Group gap="sm" wrap="nowrap" miw={0}>
                  <CallSign call={one} />
                  <div style={{ minWidth: 0 }}>
                    <Text size="sm" fw={600} truncate>
                      {one.with.display_name}
                    </Text>
                    {idOf(one) && (
                      <Text size="xs" c="dimmed" truncate>
                        {idOf(one)}
                      </Text>
                    )}
                    <Text size="xs" c={missed(one) ? 'var(--plenary-bad)' : 'dimmed'} truncate>
                      <CallWords call={one} />
                    </Text>
                  </div>
                </Group>
                <Group gap="sm" wrap="nowrap">
                  <Time at={one.began_at} size="xs" c="dimmed" />
                  {mayCall && (
                    <Tooltip label={t('call.one', { name: one.with.display_name })}>
                      <ActionIcon
                        variant="subtle"
                        aria-label={t('call.one', { name: one.with.display_name })}
                        disabled={busy}
                        onClick={() => void call(one.with.id)}
                      >
                        <IconPhone size={18} aria-hidden />
                      </ActionIcon>
                    </Tooltip>
                  )}
                </Group>
              </Group>
            </li>
          ))}
        </Stack>
      </Stack>
    </Card>
  );
}

/** Whether it came or went, or was missed. */
export function CallSign({ call }: { call: Call }) {
  if (missed(call)) return <IconPhoneX size={20} color="var(--plenary-bad)" aria-hidden />;
  const Icon = call.direction === 'incoming' ? IconPhoneIncoming : IconPhoneOutgoing;
  return <Icon size={20} aria-hidden />;
}

/** What became of it, in the words of whose call it is. */
export function CallWords({ call }: { call: Call }) {
  const { t, i18n } = useTranslation();
  const own = call.direction === 'outgoing';
  switch (call.outcome) {
    case 'talked':
      return t(own ? 'call.outgoing' : 'call.incoming', { length: lasted(call, i18n.language) });
    case 'widened':
      return t('call.widened');
    case 'elsewhere':
      return t('call.elsewhere', { name: call.answered_by?.display_name ?? call.group });
    case 'joined':
      return t('call.joined', { room: call.into?.name });
    case 'declined':
      return own ? t('call.wasDeclined') : t('call.youDeclined');
    case 'busy':
      return own ? t('call.wasBusy') : t('call.missed');
    case 'unreachable':
      return own ? t('call.wasAway') : t('call.missed');
    case 'nobody':
      return t('call.wasNobody');
    case 'unreached':
      return t('call.wasUnreached');
    case 'not_allowed':
      return t('call.wasNotAllowed');
    case 'conference':
      return t('call.wasConference');
    case 'cancelled':
      return own ? t('call.youCancelled') : t('call.missed');
    default:
      if (call.group && !own) return t('call.missedGroup', { group: call.group });
      if (call.into) return t('call.missedInto', { room: call.into.name });
      return own ? t('call.noAnswer') : t('call.missed');
  }
}
