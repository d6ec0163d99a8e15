import { Badge, Text } from '@mantine/core';
import { IconMapPin } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Conference } from '../api/types';
import { useAdminText } from '../ui/text';
import { startText } from './startText';
import classes from './When.module.css';

interface Props {
  conference: Conference;
  /** In a table, which has no room for the place on phones. */
  cell?: boolean;
}

/** Whether people meet there now, or when they will, and where beside the conference. */
export function When({ conference, cell }: Props) {
  const { t } = useAdminText();
  const { place } = conference.settings;
  if (!place) return <Time conference={conference} />;
  return (
    <div style={{ minWidth: 0 }}>
      <Time conference={conference} />
      <Text
        size="xs"
        c="dimmed"
        truncate
        title={place}
        className={classes.place}
        data-cell={cell || undefined}
      >
        <IconMapPin
          size={12}
          role="img"
          aria-label={t('conferences.place')}
          style={{ verticalAlign: -2, marginInlineEnd: 2 }}
        />
        {place}
      </Text>
    </div>
  );
}

function Time({ conference }: { conference: Conference }) {
  const { t } = useAdminText();
  const { i18n } = useTranslation();
  const { meeting, launch, next } = conference;
  if (meeting.participants > 0) {
    return (
      <Badge variant="default" tt="none" fw={600}>
        {t('conferences.now', { count: meeting.participants })}
      </Badge>
    );
  }
  const text = () => {
    if (launch === 'virtual_room') return t('conferences.always');
    if (launch === 'by_hand') return t('conferences.byHand');
    return next ? startText(next.start, i18n.language) : t('conferences.past');
  };
  return (
    <Text c="dimmed" className={classes.time} data-placed={conference.settings.place ? true : undefined}>
      {text()}
    </Text>
  );
}
