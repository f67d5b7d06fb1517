import torch, gymnasium as gym
env = gym.make("CartPole-v1"); env.reset(seed=0)
policy = torch.nn.Linear(4, 2); optimizer = torch.optim.Adam(policy.parameters())
for episode in range(100):
    state, _ = env.reset(); logs = []
    while True:
        state, reward, done, *_ = env.step(0)
        if done: break
    loss = torch.stack(logs).sum()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
