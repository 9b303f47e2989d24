"""Ends of a request that leave nobody, or nothing, to answer with: only the connection can be closed."""


class FanLeft(ConnectionResetError):
    """Who asked is gone, or has stopped to send or to listen."""


class AnswerBrokeOff(ConnectionResetError):
    """Half an answer is out: only a broken connection tells the fan that it is half."""
