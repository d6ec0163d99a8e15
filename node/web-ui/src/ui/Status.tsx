import { Box, Group, Text } from '@mantine/core';
import {
  IconAlertTriangleFilled,
  IconBan,
  IconCircleCheckFilled,
  IconCircleFilled,
  IconCircleDashed,
  IconExclamationCircleFilled,
  IconPhone,
  IconUserStar,
  IconUsersGroup,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Presence } from '../api/types';

export type Tone = 'good' | 'warn' | 'bad' | 'note' | 'quiet';

const icons: Record<Tone, ReactNode> = {
  good: <IconCircleCheckFilled size={16} />,
  warn: <IconAlertTriangleFilled size={16} />,
  bad: <IconExclamationCircleFilled size={16} />,
  note: <IconCircleFilled size={12} />,
  quiet: <IconCircleDashed size={14} />,
};

/** Colour never alone: an icon and a word beside it. */
export function Status({ tone, icon, children }: { tone: Tone; icon?: ReactNode; children: ReactNode }) {
  const color = tone === 'quiet' ? 'var(--mantine-color-dimmed)' : `var(--plenary-${tone})`;
  return (
    <Group gap={6} wrap="nowrap" component="span" display="inline-flex" style={{ verticalAlign: 'middle' }}>
      <Box component="span" c={color} display="inline-flex" aria-hidden>
        {icon ?? icons[tone]}
      </Box>
      <Text component="span" size="sm" c={tone === 'quiet' ? 'dimmed' : undefined}>
        {children}
      </Text>
    </Group>
  );
}

const presences: Record<Presence, { tone: Tone; icon?: ReactNode }> = {
  offline: { tone: 'quiet' },
  online: { tone: 'good', icon: <IconCircleFilled size={12} /> },
  in_conference: { tone: 'warn', icon: <IconUsersGroup size={15} /> },
  owner: { tone: 'warn', icon: <IconUserStar size={15} /> },
  in_call: { tone: 'warn', icon: <IconPhone size={14} /> },
  disabled: { tone: 'bad', icon: <IconBan size={14} /> },
};

/** What somebody does; one that a newer server tells and this page does not know is as good as online. */
export function PresenceStatus({ presence }: { presence: Presence }) {
  const { t } = useTranslation();
  const known = presence in presences ? presence : 'online';
  return <Status {...presences[known]}>{t(`presence.${known}`)}</Status>;
}
