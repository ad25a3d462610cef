//! What the desk wants.

use super::{Answer, Command, Coordinator, Effects, Event, Run, Will, configured};
use crate::config::CheckedConfig;
use crate::ids::{Round, RunId};
use crate::rejection::Rejection;
use crate::view::Phase;
use crate::wire::Farewell;

impl Coordinator {
    pub(super) fn desk(
        &mut self,
        command: Command,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        let wrong_phase = |phase, command| Err(Rejection::WrongPhase { command, phase });
        let phase = self.phase();
        match command {
            Command::Start | Command::Step
                if matches!(phase, Phase::Finished | Phase::Evaluating) =>
            {
                return wrong_phase(
                    phase,
                    if command == Command::Start {
                        "start"
                    } else {
                        "step"
                    },
                );
            }
            Command::Pause
                if matches!(phase, Phase::Lobby | Phase::Finished | Phase::Evaluating) =>
            {
                return wrong_phase(phase, "pause");
            }
            Command::Start => self.will = Will::Go,
            Command::Pause => self.will = Will::Hold,
            Command::Step => self.will = Will::OneRound,
            Command::Remove(device) => return self.left(device, Farewell::Removed, effects),
            Command::Lock => self.locked = true,
            Command::Unlock => self.locked = false,
            Command::Reset(seed) => {
                let config = self
                    .run
                    .config
                    .with_seed(seed.unwrap_or(self.run.config.seed));
                self.begin_run(config, effects);
            }
            Command::Configure(config) => self.begin_run(*config, effects),
            Command::Mischief { allowed } => self.allow_mischief(allowed, effects),
        }
        Ok(Answer::Done)
    }

    /// Tells every device, which does as it is told: nothing keeps a real attacker from attacking.
    fn allow_mischief(&mut self, allowed: bool, effects: &mut Effects) {
        self.mischief = allowed;
        for (&device, member) in self.members.iter().filter(|(_, member)| member.connected) {
            effects.send(device, configured(&self.run, allowed, device, member.slot));
        }
    }

    fn begin_run(&mut self, config: CheckedConfig, effects: &mut Effects) {
        let id = RunId(self.run.id.0 + 1);
        self.run = Run::new(id, config);
        self.will = Will::Gather;
        effects.record(Event::RunConfigured {
            run: id,
            config: Box::new((*self.run.config).clone()),
        });
        for (&device, member) in &mut self.members {
            // Whoever reads the new run's record knows nothing of the run before.
            effects.record(Event::Joined {
                device,
                slot: member.slot,
                encodings: member.profile.encodings.clone(),
            });
            member.given.clear();
            member.has.clear();
            member.answered = Round(0);
            member.examples = None;
            member.labels = self.run.labels_of(member.slot);
            member.mischief = None;
            member.halvings = 0;
            (
                member.bytes_up,
                member.bytes_down,
                member.refused,
                member.last_refusal,
            ) = (0, 0, 0, None);
            if member.connected {
                member.has_data = self.run.config.data.table.is_none();
                member.state = member.idle_state();
                effects.send(
                    device,
                    configured(&self.run, self.mischief, device, member.slot),
                );
            }
        }
    }
}
