"""Traffic: champion and challengers share it, outcomes come later, and the two are told apart.

What lives here decides who answers, keeps what was answered and what came of it, and compares. It
speaks no HTTP but for one endpoint, and predicts nothing itself.
"""
