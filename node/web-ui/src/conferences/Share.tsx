import { Box, Button, CopyButton, Group, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import type { Conference } from '../api/types';
import { QrCode } from '../ui/QrCode';
import { useAdminText } from '../ui/text';
import { addressOf, FRAME, snippetOf, widgetOf } from './shareCode';

/** How others learn of a public conference: its address, to send or to scan, and a widget for other sites. */
export function Share({ conference }: { conference: Conference }) {
  const { t } = useAdminText();
  const address = addressOf(conference.cid);
  const snippet = snippetOf(conference);
  return (
    <Stack gap="xl">
      <Stack gap="sm">
        <Title order={3}>{t('share.link')}</Title>
        <Text size="sm" c="dimmed">
          {t('share.linkText')}
        </Text>
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <TextInput
            label={t('share.address')}
            value={address}
            readOnly
            style={{ flex: 1, minWidth: 0 }}
            onFocus={(event) => event.currentTarget.select()}
          />
          <Copy text={address} label={t('share.copyAddress')} />
        </Group>
        <Group justify="center">
          <QrCode text={address} label={t('share.qr')} />
        </Group>
      </Stack>
      <Stack gap="sm">
        <Title order={3}>{t('share.widget')}</Title>
        <Text size="sm" c="dimmed">
          {t('share.widgetText')}
        </Text>
        <Textarea
          label={t('share.code')}
          value={snippet}
          readOnly
          autosize
          minRows={3}
          maxRows={8}
          styles={{ input: { fontFamily: 'ui-monospace, monospace', fontSize: 12 } }}
          onFocus={(event) => event.currentTarget.select()}
        />
        <Group justify="flex-end">
          <Copy text={snippet} label={t('share.copyCode')} />
        </Group>
        <Text size="sm" fw={500}>
          {t('share.preview')}
        </Text>
        <Box
          component="iframe"
          key={conference.revision}
          src={widgetOf(conference.cid)}
          title={t('share.previewOf', { name: conference.name })}
          sandbox={FRAME.sandbox}
          referrerPolicy="no-referrer"
          w="100%"
          maw={FRAME.width}
          h={FRAME.height}
          bd={0}
        />
      </Stack>
    </Stack>
  );
}

function Copy({ text, label }: { text: string; label: string }) {
  const { t } = useAdminText();
  return (
    <CopyButton value={text} timeout={2_000}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          aria-label={copied ? t('share.copied') : label}
          leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          onClick={copy}
        >
          {t(copied ? 'share.copied' : 'share.copy')}
        </Button>
      )}
    </CopyButton>
  );
}
