import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import type { DeviceProblem } from '../meeting/devices';
import type { Local } from '../meeting/local';
import { useMeetingText } from './context';

type Browser = 'chromium' | 'firefox' | 'safari' | 'other';

function browser(): Browser {
  const agent = navigator.userAgent;
  if (/Firefox\//.test(agent)) return 'firefox';
  if (/Chrom(e|ium)\/|Edg\//.test(agent)) return 'chromium';
  return /Safari\//.test(agent) ? 'safari' : 'other';
}

interface Props {
  micProblem: DeviceProblem | null;
  cameraProblem: DeviceProblem | null;
  local: Local;
}

/** What is wrong with devices, and how to mend it in this browser. */
export function DeviceHelp({ micProblem, cameraProblem, local }: Props) {
  const { t } = useMeetingText();
  const problem = micProblem ?? cameraProblem;
  if (!problem) return null;
  const both = micProblem !== null && cameraProblem !== null;
  const which = both ? 'both' : micProblem ? 'mic' : 'camera';
  const lasting = problem === 'insecure' || problem === 'unsupported';
  return (
    <Alert color="yellow" icon={<IconAlertTriangle />} role="alert" title={t(`help.${which}.${problem}`)}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {problem === 'denied' ? t(`help.allow.${browser()}`) : t(`help.todo.${problem}`)}
        </Text>
        {problem !== 'unsupported' && <Text size="sm">{t('help.without')}</Text>}
        {!lasting && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={() => void local.start()}
          >
            {t('common:action.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
