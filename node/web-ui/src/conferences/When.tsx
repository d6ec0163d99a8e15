import { Badge, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Conference } from '../api/types';
import { useAdminText } from '../ui/text';

/** Whether people meet there now, or when they will. */
export function When({ conference }: { conference: Conference }) {
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
    <Text size="sm" c="dimmed" truncate>
      {text()}
    </Text>
  );
}

/** With the year only if it is another one. */
function startText(start: string, language: string): string {
  const at = new Date(start);
  const other = at.getFullYear() !== new Date().getFullYear();
  const format = new Intl.DateTimeFormat(language, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: other ? 'numeric' : undefined,
    hour: '2-digit',
    minute: '2-digit',
  });
  return format.format(at);
}
