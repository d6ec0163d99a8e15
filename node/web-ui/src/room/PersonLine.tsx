import { Badge, Group, Text } from '@mantine/core';
import {
  IconHandStop,
  IconMicrophone,
  IconMicrophoneOff,
  IconScreenShare,
  IconVideo,
  IconVideoOff,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Participant } from '../meeting/messages';
import { Face } from '../ui/Face';
import { useMeetingText } from './context';

interface Props {
  person: Pick<Participant, 'name' | 'muted' | 'camera' | 'content'> & { hand: unknown };
  /** How they are called here. */
  name: string;
  place: number;
  role: string;
  /** What can be done. */
  children: ReactNode;
}

/** One of those who are in: who they are, and what they do. */
export function PersonLine({ person, name, place, role, children }: Props) {
  const { t } = useMeetingText();
  return (
    <li>
      <Group wrap="nowrap" gap="sm" px={8} py={6}>
        <Face name={person.name} size={36} />
        <div style={{ flex: 1, minWidth: 0 }}>
          <Text size="sm" truncate fw={500}>
            {name}
          </Text>
          <Group gap={6} wrap="nowrap">
            {person.hand !== null && (
              <Badge
                color="yellow"
                variant="filled"
                size="sm"
                style={{ flexShrink: 0 }}
                leftSection={<IconHandStop size={12} aria-hidden />}
                aria-label={t('people.hand', { place: place + 1 })}
              >
                {place + 1}
              </Badge>
            )}
            {role && (
              <Text size="xs" c="dimmed" truncate>
                {role}
              </Text>
            )}
          </Group>
        </div>
        <Group gap={4} wrap="nowrap" c="dimmed">
          {person.content && <IconScreenShare size={18} role="img" aria-label={t('people.sharing')} />}
          {person.muted ? (
            <IconMicrophoneOff size={18} role="img" aria-label={t('tile.muted')} />
          ) : (
            <IconMicrophone size={18} role="img" aria-label={t('tile.unmuted')} />
          )}
          {person.camera ? (
            <IconVideo size={18} role="img" aria-label={t('people.camera')} />
          ) : (
            <IconVideoOff size={18} role="img" aria-label={t('people.noCamera')} />
          )}
        </Group>
        {children}
      </Group>
    </li>
  );
}
