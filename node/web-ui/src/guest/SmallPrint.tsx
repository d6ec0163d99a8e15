import { Anchor, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { DocumentLink } from './DocumentLink';

/** At the foot of what strangers see: the guide, the documents, and what their browser keeps of us. */
export function SmallPrint() {
  const { t } = useTranslation();
  const server = useQuery(queries.server());
  const guide = server.data?.guide;
  const documents = server.data?.documents ?? [];
  return (
    <>
      {(guide || documents.length > 0) && (
        <Group component="nav" aria-label={t('smallPrint.title')} justify="center" gap="md" mb={6}>
          {guide && (
            <Anchor size="xs" underline="always" href={guide} target="_blank" rel="noopener noreferrer">
              {t('smallPrint.guide')}
            </Anchor>
          )}
          {documents.map((document) => (
            <DocumentLink key={document.place} document={document} size="xs" />
          ))}
        </Group>
      )}
      <Text size="xs" c="dimmed" ta="center" maw={640} mx="auto">
        {t('smallPrint.cookies')}
      </Text>
    </>
  );
}
