import { Box, Button, Fieldset, FileButton, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconPhoto, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { LogoScheme } from '../api/types';
import { tell, tellProblem } from '../ui/notify';
import { useAdminText } from '../ui/text';

const LARGEST = 256 * 1024;

/** The logo that strangers see, one for each ground. It is kept at once. */
export function LogoSettings({ readOnly }: { readOnly: boolean }) {
  const { t } = useAdminText();
  return (
    <Fieldset id="logo" legend={t('logo.title')} style={{ scrollMarginTop: 72 }}>
      <Text size="sm" c="dimmed" mb="sm">
        {t('logo.hint')}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
        <OneLogo scheme="light" readOnly={readOnly} />
        <OneLogo scheme="dark" readOnly={readOnly} />
      </SimpleGrid>
    </Fieldset>
  );
}

function OneLogo({ scheme, readOnly }: { scheme: LogoScheme; readOnly: boolean }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const server = useQuery(queries.server());
  const version = server.data?.logo[scheme] ?? null;
  const name = t(`logo.${scheme}`);
  const change = useMutation({
    mutationFn: (file: File | null) => (file ? calls.putLogo(scheme, file) : calls.removeLogo(scheme)),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['server'] });
      tell(t('logo.saved'));
    },
    onError: tellProblem,
  });
  const choose = (file: File | null) => {
    if (!file) return;
    if (file.size > LARGEST) tellProblem(new Problem('avatar-too-large', 413));
    else change.mutate(file);
  };
  return (
    <Stack gap="xs" role="group" aria-label={name}>
      <Text size="sm" fw={500}>
        {name}
      </Text>
      <Box
        h={96}
        p="sm"
        bg={scheme === 'dark' ? '#10151f' : '#ffffff'}
        style={{
          display: 'grid',
          placeItems: 'center',
          borderRadius: 8,
          border: '1px solid var(--mantine-color-default-border)',
        }}
      >
        {version ? (
          <img
            src={`/api/v1/logos/${scheme}?version=${version}`}
            alt={name}
            style={{ maxWidth: '100%', maxHeight: 72, objectFit: 'contain' }}
          />
        ) : (
          <Text size="sm" c={scheme === 'dark' ? '#c3cad6' : '#475569'}>
            {t('logo.none')}
          </Text>
        )}
      </Box>
      {!readOnly && (
        <Group gap="xs">
          <FileButton accept="image/png,image/webp" onChange={choose}>
            {(props) => (
              <Button
                {...props}
                size="xs"
                variant="default"
                leftSection={<IconPhoto size={14} aria-hidden />}
                loading={change.isPending}
              >
                {t('logo.choose')}
              </Button>
            )}
          </FileButton>
          {version && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconTrash size={14} aria-hidden />}
              onClick={() => change.mutate(null)}
            >
              {t('logo.remove')}
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}
